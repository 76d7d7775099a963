"""The cause of a failure is one sentence, and the same one from either orchestrator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from complaints.aws.failures import cause_of, is_transient
from complaints.runs.plans import PlanError
from stepfunctions.handlers.steps import StateError

GLUE = {
    "JobName": "ptmlops-prepare-complaints",
    "Id": "jr_1",
    "JobRunState": "FAILED",
    "ErrorMessage": "ValueError: no",
}
TRANSFORM = {"TransformJobName": "t-0", "TransformJobStatus": "Failed", "FailureReason": "AlgorithmError: see\nthe log"}


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "StartJobRun")


class AirflowTaskTimeout(BaseException):
    """As Airflow calls it."""


PAIRS: list[tuple[str, tuple[object, Any], StateError]] = [
    (
        "the Glue job ptmlops-prepare-complaints ended as FAILED: ValueError: no",
        (RuntimeError("Trigger error: event is ..."), GLUE),
        StateError("States.TaskFailed", json.dumps(GLUE)),
    ),
    (
        "the Glue job ptmlops-prepare-complaints ended as STOPPED",
        (RuntimeError("Waiter JobComplete failed"), {"JobName": GLUE["JobName"], "JobRunState": "STOPPED"}),
        StateError("Glue.JobRunNotSucceeded", json.dumps({"JobName": GLUE["JobName"], "JobRunState": "STOPPED"})),
    ),
    (
        "the SageMaker transform job ended as Failed: AlgorithmError: see the log",
        (RuntimeError("Error while running job"), TRANSFORM),
        StateError("States.TaskFailed", json.dumps(TRANSFORM)),
    ),
    (
        "PlanError: no complaints under s3://b/raw/",
        (PlanError("no complaints under s3://b/raw/"), None),
        StateError(
            "PlanError",
            json.dumps({"errorMessage": "no complaints under s3://b/raw/", "errorType": "PlanError", "stackTrace": []}),
        ),
    ),
    (
        "ThrottlingException: Rate exceeded",
        (throttled(), GLUE),
        StateError("Glue.ThrottlingException", "Rate exceeded (Service: Glue, Status Code: 400, Request ID: 1)"),
    ),
    (
        "ThrottlingException: Rate exceeded",
        (throttled(), None),
        StateError("ClientError", json.dumps({"errorMessage": str(throttled()), "errorType": "ClientError"})),
    ),
    (
        "the step took longer than its timeout",
        (AirflowTaskTimeout("Timeout, PID: 1"), {"JobName": "j", "JobRunState": "STOPPING"}),
        StateError("States.Timeout", ""),
    ),
]


@pytest.mark.parametrize(("sentence", "airflow", "state"), PAIRS)
def test_both_orchestrators_tell_the_same(sentence: str, airflow: tuple[object, Any], state: StateError) -> None:
    assert cause_of(*airflow) == sentence
    assert cause_of(state) == sentence


def test_a_job_that_did_not_end_badly_is_not_blamed() -> None:
    told = cause_of(RuntimeError("the network is down"), {"JobName": "j", "JobRunState": "RUNNING"})
    assert told == "RuntimeError: the network is down"


def test_a_cause_is_one_short_line() -> None:
    told = cause_of(ValueError("x " * 5_000))
    assert len(told) <= 2_000
    assert told.endswith(" …")


@pytest.mark.parametrize("cause", ["", "[1]", "{", '"text"', "null", "{}"])
def test_whatever_the_cause_is_there_is_a_sentence(cause: str) -> None:
    assert cause_of(StateError("Lambda.Unknown", cause)).startswith("Unknown: ")


class Logs:
    """A job's log of three lines."""

    def describe_log_streams(self, **_: Any) -> dict[str, Any]:
        return {"logStreams": [{"logStreamName": "jr_1"}]}

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        return {"events": [{"message": line} for line in ("read 5,000 rows of s3://b/a.csv", "read 10,000 rows", " ")]}


class NoLogs(Logs):
    """A log that may not be read."""

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        raise throttled()


STOPPED = {"JobName": "prepare", "Id": "jr_1", "JobRunState": "STOPPED"}


@pytest.mark.parametrize(
    ("job", "logs", "told"),
    [
        (STOPPED, Logs(), "the Glue job prepare ended as STOPPED: its log ends with 'read 10,000 rows'"),
        (STOPPED, NoLogs(), "the Glue job prepare ended as STOPPED"),
        (GLUE, Logs(), "the Glue job ptmlops-prepare-complaints ended as FAILED: ValueError: no"),
        (
            {"TransformJobName": "t-0", "TransformJobStatus": "Stopped"},
            Logs(),
            "the SageMaker transform job ended as Stopped: its log ends with 'read 10,000 rows'",
        ),
        # Its reason only counts failures; those are of its training jobs, whose logs are its own.
        (
            {
                "HyperParameterTuningJobName": "t-0",
                "HyperParameterTuningJobStatus": "Failed",
                "FailureReason": "No training job succeeded after 5 attempts.",
            },
            Logs(),
            "the SageMaker tuning job ended as Failed: No training job succeeded after 5 attempts.; "
            "its log ends with 'read 10,000 rows'",
        ),
    ],
)
def test_where_aws_gives_no_reason_the_end_of_the_log_tells_how_far_the_job_came(
    job: dict[str, Any], logs: Any, told: str
) -> None:
    assert cause_of(RuntimeError("the trigger failed"), job, logs) == told


@pytest.mark.parametrize(
    ("described", "transient"),
    [
        ({"FailureReason": "CapacityError: Unable to provision requested ML compute capacity"}, True),
        ({"FailureReason": "InternalServerError: We encountered an internal error"}, True),
        ({"ErrorMessage": "Resource unavailable: could not start the run"}, True),
        ({"FailureReason": "AlgorithmError: the script said InternalServerError"}, False),
        ({"ErrorMessage": "ValueError: no rows"}, False),
        ({"JobRunState": "STOPPED"}, False),
    ],
)
def test_only_want_of_machines_is_worth_another_try(described: dict[str, Any], transient: bool) -> None:
    assert is_transient(described) == transient
