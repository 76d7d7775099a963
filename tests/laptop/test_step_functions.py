"""The tasks of an execution, from its history."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from complaints.settings import load_settings
from laptop.servers.step_functions import StepFunctions, tasks_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
ERROR = {"error": {"Error": "States.TaskFailed", "Cause": "{}"}}


def entered(name: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    details = {"name": name, "input": json.dumps(data or {})}
    return {"type": "TaskStateEntered", "timestamp": AT, "stateEnteredEventDetails": details}


def exited(name: str, data: dict[str, Any]) -> dict[str, Any]:
    details = {"name": name, "output": json.dumps(data)}
    return {"type": "TaskStateExited", "timestamp": AT, "stateExitedEventDetails": details}


def states(*history: dict[str, Any], is_running: bool = False) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in tasks_of(history, is_running=is_running)}


def test_a_task_whose_error_was_caught_has_failed_and_the_callback_is_no_task() -> None:
    history = (
        *(entered("plan"), exited("plan", {"plan": {"return_value": 1}})),
        *(entered("prepare"), exited("prepare", {"prepare": {"state": "absent"}})),
        *(entered("prepare starts"), exited("prepare starts", ERROR)),
        *(entered("prepare failed", ERROR), exited("prepare failed", ERROR)),
        {"type": "ExecutionFailed", "timestamp": AT},
    )
    assert states(*history) == {"plan": "success", "prepare": "failed"}


def test_a_task_that_only_looked_for_its_job_is_running() -> None:
    history = entered("prepare"), exited("prepare", {"prepare": {"state": "absent"}}), entered("prepare starts")
    assert states(*history, is_running=True) == {"prepare": "running"}


class EndingExecution:
    """A client of Step Functions, and an execution that ends after the first question about it."""

    def __init__(self) -> None:
        self._asked = 0

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self._asked += 1
        return {"status": "RUNNING" if self._asked == 1 else "SUCCEEDED"}

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, executionArn: str) -> list[dict[str, Any]]:  # noqa: N803
        self._asked += 1
        events = [entered("plan"), exited("plan", {})]
        return [{"events": events[: self._asked]}]


def test_the_last_task_of_an_execution_that_ends_while_it_is_asked_about_has_not_failed() -> None:
    clients: Any = SimpleNamespace(endpoint="", client=lambda _: EndingExecution())
    (plan,) = StepFunctions(clients, {}, load_settings().pipeline).tasks("", "arn")
    assert plan["state"] == "success"
