"""The end of a job's log, however CloudWatch gives it out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.aws import job_logs
from localaws.server.endpoint import LocalAWS

OUTPUT, ERROR = "/aws-glue/jobs/output", "/aws-glue/jobs/error"
GLUE = {"JobRunState": "SUCCEEDED", "Id": "jr_1", "LogGroupName": "/aws-glue/jobs"}


@pytest.fixture
def logs(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[Any]:
    with local_aws(tmp_path) as aws:
        yield aws.client("logs")


def write(logs: Any, group: str, stream: str, lines: list[str]) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": int(time.time() * 1000) + position, "message": line} for position, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_the_last_lines_come_in_order_below_the_name_of_their_stream(logs: Any) -> None:
    write(logs, OUTPUT, "jr_1", [f"row {number}" for number in range(500)])
    write(logs, ERROR, "jr_1", ["WARN one\nWARN two\n"])
    assert list(job_logs.last_lines(GLUE, logs, last=3)) == [
        f"log group {OUTPUT}, stream jr_1: the last 3 lines that have arrived",
        *("row 497", "row 498", "row 499"),
        f"log group {ERROR}, stream jr_1: the last 2 lines that have arrived",
        *("WARN one", "WARN two"),
    ]


def test_a_run_that_wrote_to_a_group_of_its_own_is_read_there(logs: Any) -> None:
    logs.create_log_group(logGroupName="/ours/output")
    write(logs, "/ours/output", "jr_1", ["hello"])
    assert "hello" in list(job_logs.last_lines({**GLUE, "LogGroupName": "/ours"}, logs))


def test_each_machine_of_a_sagemaker_job_has_its_stream_and_another_jobs_is_left_alone(logs: Any) -> None:
    group = "/aws/sagemaker/TransformJobs"
    for stream in ("classify-1/i-1", "classify-1/i-2", "classify-10/i-1"):
        write(logs, group, stream, [f"from {stream}"])
    told = list(job_logs.last_lines({"TransformJobName": "classify-1"}, logs))
    assert [line for line in told if line.startswith("from")] == ["from classify-1/i-1", "from classify-1/i-2"]


@pytest.mark.parametrize(("job", "lines"), [(GLUE, 2), ({"TrainingJobName": "train"}, 1), ({}, 0)])
def test_a_log_that_is_not_there_is_a_line_that_names_it(logs: Any, job: dict[str, str], lines: int) -> None:
    told = list(job_logs.last_lines(job, logs))
    assert len(told) == lines
    assert all(line.startswith("log group /aws") for line in told)


def test_an_endless_line_is_cut(logs: Any) -> None:
    write(logs, OUTPUT, "jr_1", ["x" * 100_000])
    assert "x" * 2_000 in list(job_logs.last_lines(GLUE, logs))


def test_empty_pages_are_read_over_as_cloudwatch_may_give_them_before_the_lines() -> None:
    class Logs:
        """GetLogEvents as documented, which local AWS does not do: an empty page, then one with lines, then the end."""

        pages = iter([([], "b/2"), ([{"message": "found"}], "b/1"), ([], "b/1")])

        def describe_log_streams(self, **_: Any) -> dict[str, Any]:
            return {"logStreams": [{"logStreamName": "jr_1"}]}

        def get_log_events(self, **_: Any) -> dict[str, Any]:
            events, token = next(self.pages, ([], "b/1"))
            return {"events": events, "nextBackwardToken": token}

    assert "found" in list(job_logs.last_lines(GLUE, Logs()))


def test_the_drivers_stream_is_found_by_either_name_and_no_executor_is_taken_for_it(logs: Any) -> None:
    for stream in ("jr_1-1", "jr_1-driver", "jr_1-executor-1", "jr_12"):
        write(logs, OUTPUT, stream, [f"from {stream}"])
    lines = list(job_logs.last_lines(GLUE, logs))
    assert [line for line in lines if line.startswith("from")] == ["from jr_1-driver"]
    assert job_logs.last_line(GLUE, logs) == "from jr_1-driver"
    write(logs, OUTPUT, "jr_1", ["from jr_1"])
    assert job_logs.last_line(GLUE, logs) == "from jr_1"


def test_without_the_drivers_stream_the_executors_are_no_replacement(logs: Any) -> None:
    write(logs, OUTPUT, "jr_1-executor-1", ["from an executor"])
    assert job_logs.last_line(GLUE, logs) == ""
    assert "has no stream jr_1" in next(job_logs.last_lines(GLUE, logs))


def test_the_log_of_a_tuning_job_is_that_of_its_training_jobs(logs: Any) -> None:
    for stream in ("tune-0-001-abc/algo-1", "tune-01-001-abc/algo-1"):
        write(logs, "/aws/sagemaker/TrainingJobs", stream, [f"from {stream}"])
    job = {"HyperParameterTuningJobName": "tune-0", "HyperParameterTuningJobStatus": "Stopped"}
    assert job_logs.last_line(job, logs) == "from tune-0-001-abc/algo-1"
