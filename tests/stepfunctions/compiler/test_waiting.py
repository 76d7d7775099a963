"""A machine waits for a person by a task token; without an answer in time it goes on, and the approval decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, task
from operators.approval import ApprovalOperator

from complaints.tasks import approval
from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.rules import findings
from tests.stepfunctions.compiler.interpreter import ExecutionFailedError, run


@pytest.fixture
def machine() -> dict[str, Any]:
    patience = {"execution_timeout": timedelta(minutes=5), "retries": 1}
    with DAG(dag_id="weather", schedule=None, default_args=patience) as dag:
        asks = ApprovalOperator(task_id="approve", version="v3", response_timeout=timedelta(hours=24))
        asks >> task.short_circuit(approval.is_approved)("v3") >> task(approval.record_answer)("v3", True, "jane")
    found = compile_dag(dag)
    assert findings(found) == []
    return found


class People:
    """What the services answer: the person (or the error), and what the Model Registry has."""

    def __init__(self, *, approved: bool, error: str = "") -> None:
        self.asked: list[str] = []
        self._approved, self._error = approved, error

    def __call__(self, name: str, request: Mapping[str, Any]) -> Any:
        self.asked.append(name)
        if name == "approve":
            if self._error:
                raise ExecutionFailedError(self._error, "")
            return {"version": "v3", "status": "Approved"}
        return {"Payload": self._approved}


def test_the_state_passes_its_token_on_and_waits_as_long_as_people_have(machine: dict[str, Any]) -> None:
    state = machine["States"]["approve"]
    assert state["Resource"] == "arn:aws:states:::lambda:invoke.waitForTaskToken"
    assert state["TimeoutSeconds"] == 24 * 3600
    assert state["Parameters"]["Payload"] == {
        "function": "complaints.tasks.approval.ask_for_approval",
        "arguments": {"version": "v3", "token.$": "$$.Task.Token"},
    }


@pytest.mark.parametrize("error", ["", "States.Timeout"])
@pytest.mark.parametrize("approved", [True, False])
def test_the_approval_decides_what_follows_whether_somebody_answered_or_not(
    machine: dict[str, Any], approved: bool, error: str
) -> None:
    people = People(approved=approved, error=error)
    run(machine, {}, people)
    assert people.asked == ["approve", "is_approved", *(["record_answer"] if approved else [])]


def test_a_question_that_cannot_be_asked_fails_the_execution(machine: dict[str, Any]) -> None:
    with pytest.raises(ExecutionFailedError, match="AccessDenied"):
        run(machine, {}, People(approved=False, error="AccessDenied"))
