"""A failure that no state can have reported is told from one that a state has, whatever the event says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stepfunctions.handlers.steps import uncaught

MACHINE = "arn:aws:states:us-east-1:210987654321:stateMachine:complaints_training"
ARN = "arn:aws:states:us-east-1:210987654321:execution:complaints_training:run-1"


def ended(status: str, **more: str) -> dict[str, Any]:
    return {"status": status, "name": "run-1", "executionArn": ARN, "stateMachineArn": MACHINE, **more}


def never(_: str) -> Mapping[str, Any]:
    raise AssertionError("asked for what the event says")


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_an_execution_that_was_stopped_is_reported_without_a_question(status: str) -> None:
    found = uncaught(ended(status), never)
    assert found == {
        "dag_id": "complaints_training",
        "run_id": "run-1",
        "execution_arn": ARN,
        "error": {"Error": f"States.{status}", "Cause": f"the execution ended as {status}"},
    }


@pytest.mark.parametrize("error", ["States.Runtime", "States.DataLimitExceeded"])
def test_an_error_that_no_catch_catches_is_reported_although_the_event_does_not_have_it(error: str) -> None:
    asked: list[str] = []

    def described(arn: str) -> Mapping[str, Any]:
        asked.append(arn)
        return {"error": error, "cause": "no such path"}

    found = uncaught(ended("FAILED"), described)
    assert asked == [ARN]
    assert found is not None
    assert found["error"] == {"Error": error, "Cause": "no such path"}


def test_a_failure_that_a_state_has_reported_is_not_reported_again() -> None:
    assert uncaught(ended("FAILED"), lambda _: {"error": "RowsMissingError", "cause": "1 missing"}) is None
    assert uncaught(ended("FAILED", error="Glue.JobFailed"), never) is None
    assert uncaught(ended("FAILED"), lambda _: {}) is None
