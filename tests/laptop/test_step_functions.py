"""The tasks of an execution, from its history."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from laptop.servers.step_functions import tasks_of

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
