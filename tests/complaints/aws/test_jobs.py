"""The search for a step's job: which attempt counts, and how far it looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from complaints.aws import jobs
from complaints.aws.job_kinds import GLUE, TRAINING, TRANSFORM, TUNING
from complaints.runs import costs

ARGUMENTS = {"--plan": "s3://b/plan.json"}


class GlueRuns:
    """GetJobRuns over runs that are there, the newest first; counts the pages that were read."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self._runs = list(runs)
        self.pages = 0

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, *, JobName: str, PaginationConfig: dict[str, int]) -> Any:  # noqa: N803
        size = PaginationConfig["PageSize"]
        for first in range(0, min(len(self._runs), PaginationConfig["MaxItems"]), size):
            self.pages += 1
            yield {"JobRuns": self._runs[first : first + size]}


def run(name: str, state: str, **arguments: str) -> dict[str, Any]:
    return {"Id": name, "JobRunState": state, "Arguments": arguments or ARGUMENTS}


def others(number: int) -> list[dict[str, Any]]:
    return [run(f"other-{position}", "SUCCEEDED", **{"--plan": "s3://b/other.json"}) for position in range(number)]


def found(glue: GlueRuns, has_output: bool = False) -> jobs.Job:
    return jobs.glue_job(glue, lambda _: has_output, job_name="j", arguments=ARGUMENTS, output_uri="s3://b/out/")


def test_the_search_stops_at_the_page_of_the_newest_run_with_these_arguments() -> None:
    glue = GlueRuns(*others(150), run("mine", "FAILED"), *others(800))
    assert (found(glue).state, found(glue).described["Id"]) == ("absent", "mine")
    assert glue.pages == 2  # one a search


def test_where_there_is_no_such_run_no_more_than_a_thousand_are_read() -> None:
    glue = GlueRuns(*others(1_500))
    assert found(glue) == jobs.Job("absent", "")
    assert glue.pages == 5


def test_a_run_that_is_still_running_wins_over_a_newer_one_that_has_ended() -> None:
    """Somebody started the same run twice by hand, and stopped the second: no third one may start."""
    glue = GlueRuns(run("newer", "STOPPED"), *others(3), run("older", "RUNNING"))
    assert (found(glue).state, found(glue).name) == ("running", "older")


def test_a_run_whose_output_is_there_is_done() -> None:
    assert found(GlueRuns(run("mine", "SUCCEEDED")), has_output=True) == jobs.Job(
        "done", "mine", run("mine", "SUCCEEDED")
    )


@pytest.fixture
def sagemaker(in_memory_aws: None) -> Any:
    return boto3.client("sagemaker", region_name="us-east-1")


TUNING_REQUEST: dict[str, Any] = {
    "HyperParameterTuningJobName": "tune-0123456789abcdef",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
    },
    "TrainingJobDefinition": {
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/jobs",
        "OutputDataConfig": {"S3OutputPath": "s3://b/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    },
}


def tuning(sagemaker: Any, has_output: bool = True) -> jobs.Job:
    return jobs.sagemaker_job(
        sagemaker, lambda _: has_output, kind=TUNING, request=TUNING_REQUEST, output_uri="s3://b/out/"
    )


def test_a_tuning_job_is_found_by_the_apis_names_and_leaves_the_result_of_amazons_operator(sagemaker: Any) -> None:
    absent = tuning(sagemaker)
    assert absent == jobs.Job("absent", "tune-0123456789abcdef-0")
    sagemaker.create_hyper_parameter_tuning_job(**{**TUNING_REQUEST, TUNING.id_member: absent.name})
    done = tuning(sagemaker)
    assert (done.state, done.name) == ("done", absent.name)
    assert jobs.result_of(TUNING, done)["Tuning"]["HyperParameterTuningJobName"] == absent.name
    assert tuning(sagemaker, has_output=False).name == "tune-0123456789abcdef-1"


START = datetime(2026, 11, 28, tzinfo=UTC)


class Trials:
    """ListTrainingJobsForHyperParameterTuningJob over training jobs of ten seconds, by the name of the tuning job."""

    def __init__(self, **named: int) -> None:
        self._named = named

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_training_jobs_for_hyper_parameter_tuning_job"
        return self

    def paginate(self, *, HyperParameterTuningJobName: str) -> Any:  # noqa: N803
        for number in range(self._named[HyperParameterTuningJobName]):
            name, end = f"{HyperParameterTuningJobName}-{number}", START + timedelta(seconds=10)
            summary = {"TrainingJobName": name, "TuningJobName": HyperParameterTuningJobName}
            yield {"TrainingJobSummaries": [{**summary, "TrainingStartTime": START, "TrainingEndTime": end}]}


def test_the_training_jobs_of_a_tuning_job_are_billed_each_on_every_machine_of_its_definition() -> None:
    machines = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    described = {TUNING.id_member: "tune", "TrainingJobDefinition": {"ResourceConfig": machines}}
    found = list(jobs.training_jobs_of(Trials(tune=3, other=1), described))
    assert [each["TrainingJobName"] for each in found] == ["tune-0", "tune-1", "tune-2"]
    assert costs.of_jobs([described, *found]).instance_seconds == {"ml.m5.large": 3 * 10 * 2}


TRANSFORM_REQUEST: dict[str, Any] = {
    "TransformJobName": "classify-0123456789abcdef",
    "ModelName": "model",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/records/"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/scores/"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}


def transform(sagemaker: Any, *filled: str) -> jobs.Job:
    output = TRANSFORM_REQUEST["TransformOutput"]["S3OutputPath"]
    return jobs.sagemaker_job(
        sagemaker, filled.__contains__, kind=TRANSFORM, request=TRANSFORM_REQUEST, output_uri=output
    )


def test_a_transform_of_nothing_is_done_without_a_job(sagemaker: Any) -> None:
    assert transform(sagemaker, "s3://b/records/").state == "absent"
    nothing = transform(sagemaker)
    assert nothing == jobs.Job("done", "")
    assert jobs.result_of(TRANSFORM, nothing) == {"Transform": {}}


def test_a_transform_of_nothing_that_was_started_nonetheless_is_waited_for_and_leaves_its_result(
    sagemaker: Any,
) -> None:
    """By a release of before, which did start it: that job is the step's."""
    sagemaker.create_transform_job(**{**TRANSFORM_REQUEST, "TransformJobName": "classify-0123456789abcdef-0"})
    started = transform(sagemaker, "s3://b/scores/")
    assert (started.state, started.name) in [(state, "classify-0123456789abcdef-0") for state in ("running", "done")]


def test_the_job_behind_a_task_is_the_newest_attempt_of_its_planned_name(sagemaker: Any) -> None:
    task = SimpleNamespace(config=TUNING_REQUEST)
    assert jobs.job_behind(task, None, sagemaker) is None
    for attempt in range(2):
        name = f"tune-0123456789abcdef-{attempt}"
        sagemaker.create_hyper_parameter_tuning_job(**{**TUNING_REQUEST, TUNING.id_member: name})
    described = jobs.job_behind(task, None, sagemaker) or {}
    assert described["HyperParameterTuningJobName"] == "tune-0123456789abcdef-1"
    assert jobs.latest(sagemaker, TUNING)["HyperParameterTuningJobName"] == "tune-0123456789abcdef-1"
    assert jobs.latest(sagemaker, TRAINING) == {}


def test_the_job_behind_a_glue_task_is_the_newest_run_of_its_arguments() -> None:
    task = SimpleNamespace(job_name="j", script_args=ARGUMENTS)
    glue = GlueRuns(*others(2), run("mine", "FAILED"), run("before", "FAILED"))
    assert (jobs.job_behind(task, glue, None) or {})["Id"] == "mine"
    assert jobs.job_behind(SimpleNamespace(), glue, None) is None
    assert GLUE.title == "Glue job"
