"""What goes wrong goes wrong alike: the same end, the same cause told, and the same published, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from complaints.models import registry
from localaws.server.protocol import ApiError
from tests.parity.conftest import Both
from tests.parity.jobs import FAILING, SLEEPING, release

PREPARE = "ptmlops-prepare-complaints"
Json = dict[str, Any]


@contextmanager
def nothing(_: Both) -> Iterator[None]:
    yield


@contextmanager
def no_transform(both: Both) -> Iterator[None]:
    """SageMaker refuses each transform, as it may one of empty files."""

    def refuse(_: Callable[[Json], Json | None], __: Json) -> Json | None:
        raise ApiError("ValidationException", "no data to transform")

    with both.aws.intercepted("SageMaker.CreateTransformJob", refuse):
        yield


def refused(code: str, message: str, times: int) -> Callable[[Both], Any]:
    """Glue refuses the first calls that start a job."""

    @contextmanager
    def refusing(both: Both) -> Iterator[None]:
        left = [times]

        def refuse(start: Callable[[Json], Json | None], request: Json) -> Json | None:
            if left[0]:
                left[0] -= 1
                raise ApiError(code, message)
            return start(request)

        with both.aws.intercepted("AWSGlue.StartJobRun", refuse):
            yield
        assert left[0] == 0 or times > 2

    return refusing


@contextmanager
def stopped_by_hand(both: Both) -> Iterator[None]:
    """Somebody stops each run of the job as soon as it runs."""
    glue, done = both.aws.client("glue"), threading.Event()

    def stop() -> None:
        while not done.wait(0.2):
            runs = glue.get_job_runs(JobName=PREPARE)["JobRuns"]
            for run in (run for run in runs if run["JobRunState"] == "RUNNING"):
                glue.batch_stop_job_run(JobName=PREPARE, JobRunIds=[run["Id"]])

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def no_model_in_service(both: Both) -> Iterator[None]:
    both.bucket.client.delete_object(Bucket=both.bucket.name, Key=registry.LATEST)
    yield


@dataclass(frozen=True)
class Case:
    name: str
    step: str = ""
    cause: str = ""
    files: dict[str, str] = field(default_factory=release)
    fault: Callable[[Both], Any] = nothing


JOB = f"the Glue job {PREPARE} ended as"
NO_MODEL = (
    "NoModelError: no model is in service: s3://ptmlops-complaints/models/latest is absent; run complaints_training"
)
TOO_MANY = ("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {PREPARE}")
CASES = [
    Case("nothing"),
    Case("no-narrative", files=release(rows_in=1, classified=0), fault=no_transform),
    Case("start-throttled-twice", fault=refused("ThrottlingException", "Rate exceeded", 2)),
    Case("too-many-runs-twice", fault=refused(*TOO_MANY, 2)),
    Case("too-many-runs-for-ever", "prepare_complaints", ": ".join(TOO_MANY), fault=refused(*TOO_MANY, 99)),
    Case(
        "job-failed",
        "prepare_complaints",
        f"{JOB} FAILED: ValueError: raw/a.csv: the header is missing",
        release(prepare=FAILING),
    ),
    Case("job-stopped", "prepare_complaints", f"{JOB} STOPPED", release(prepare=SLEEPING), stopped_by_hand),
    Case("job-timed-out", "prepare_complaints", f"{JOB} TIMEOUT", release(prepare=SLEEPING)),
    Case("lambda-error", "plan_classification", NO_MODEL, fault=no_model_in_service),
    Case(
        "row-account-wrong",
        "results_add_up",
        "RowsMissingError: raw/a.csv: 3 rows in, but 1 classified + 1 without_narrative + 0 quarantined"
        " + 0 superseded: 1 missing",
        release(rows_in=3),
    ),
]


def lines(message: str) -> dict[str, str]:
    """The message's lines by what they are about."""
    return dict(line.split(": ", 1) for line in message.splitlines() if ": " in line)


def test_a_failure_that_cannot_be_told_is_a_failure_all_the_same(both: Both, tmp_path: Path) -> None:
    both.deploy(release(prepare=FAILING), tmp_path / "untold")
    with both.deaf():
        states = {name: both.run(name) for name in both.orchestrators}
    assert states == {"airflow": "failed", "stepfunctions": "failed"}
    described = both.last_execution()
    assert (described["error"], "the header is missing" in described["cause"]) == ("States.TaskFailed", True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_orchestrators_end_alike(both: Both, case: Case, tmp_path: Path) -> None:
    states, told, published = {}, {}, {}
    both.deploy(case.files, tmp_path / case.name)
    for name in both.orchestrators:
        both.clean()
        with case.fault(both):
            states[name] = both.run(name)
        told[name], published[name] = both.told(), both.published()
    assert states == dict.fromkeys(states, "failed" if case.cause else "success"), told
    assert published["airflow"] == published["stepfunctions"]
    if not case.cause:
        assert len(published["airflow"]) == 1
        assert told == {"airflow": [], "stepfunctions": []}
        return
    assert published["airflow"] == {}
    for name, messages in told.items():
        assert len(messages) == 1, f"{name} told {len(messages)} messages: {messages}"
        assert messages[0].splitlines()[0] == f"complaints_classification failed at {case.step}."
        assert lines(messages[0])["Cause"].removesuffix(": the run took longer than its timeout").startswith(case.cause)
        assert "SECRET-NARRATIVE" not in messages[0]
    airflow, states_ = (lines(told[name][0]) for name in ("airflow", "stepfunctions"))
    assert airflow["Cause"] == states_["Cause"]
    assert "/dags/complaints_classification/runs/" in airflow["Log"]
    # Local AWS has no console that a link could lead to.
    assert not {"Log", "Runbook"} & states_.keys()
    assert "Runbook" not in airflow
