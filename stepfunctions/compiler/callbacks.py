"""States that call the functions in `on_failure_callback`, between a failed state and the end of the execution.

As in Airflow, a failed task calls its own callbacks first, then those of the DAG. Lambda calls the same functions as
Airflow, with the part of Airflow's context that an execution knows (`handlers.steps.failure_context`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import dotted_name
from stepfunctions.compiler.refusals import Refusal, RefusedError
from stepfunctions.handlers import STEPS_FUNCTION

_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3
# Callbacks that no state calls.
_OTHERS = ("on_execute_callback", "on_success_callback", "on_retry_callback", "on_skipped_callback")


def callback_refusals(dag: Any) -> Iterator[Refusal]:
    """A refusal for each callback of the DAG and its tasks that cannot be compiled."""
    for owner in (dag, *dag.tasks):
        task_id = "" if owner is dag else owner.task_id
        for name in _OTHERS:
            if getattr(owner, name, None):
                remedy = f"{name} cannot be compiled; use on_failure_callback, or do its work in a task"
                yield Refusal(task_id, "callback", remedy)
        for callback in callbacks_of(owner):
            try:
                dotted_name(callback, task_id, dag.fileloc, "failure-callback")
            except RefusedError as error:
                yield error.refusal


def callbacks_of(owner: Any) -> list[Any]:
    """The failure callbacks of a task or a DAG in the order of their calls."""
    given = owner.on_failure_callback
    return list(given) if isinstance(given, Sequence) else [given] if given else []


def callback_states(dag: Any, task: Any | None, then: str) -> dict[str, dict[str, Any]]:
    """The states that call the failure callbacks of `task`, or of the DAG if it is None; the last leads to `then`.

    Raises:
        RefusedError: Lambda cannot import one of the callbacks.
    """
    owner, failed, task_id = (dag, "run", "") if task is None else (task, task.task_id, task.task_id)
    callbacks = callbacks_of(owner)
    names = [f"{failed} failed", *(f"{failed} failed, call {number}" for number in range(2, len(callbacks) + 1))]
    following = [*names[1 : len(callbacks)], then]
    return {
        name: _state(dotted_name(callback, task_id, dag.fileloc, "failure-callback"), dag, task, next_state)
        for name, callback, next_state in zip(names, callbacks, following, strict=False)
    }


def _state(callback: str, dag: Any, task: Any | None, then: str) -> dict[str, Any]:
    context = {
        "dag_id": dag.dag_id,
        **({"task_id": task.task_id} if task is not None else {}),
        "run_id.$": "$$.Execution.Name",
        "execution_arn.$": "$$.Execution.Id",
        "params.$": "$.params",
        "error.$": "$.error",
    }
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": STEPS_FUNCTION, "Payload": {"callback": callback, "context": context}},
        # The result is dropped: the execution keeps the error of the failed state.
        "ResultPath": None,
        "TimeoutSeconds": _TIMEOUT_SECONDS,
        **retries.start_retry(_ATTEMPTS, retries.LAMBDA_TRANSIENT),
        # A failing callback must not hide the error of the failed state.
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.callback_error", "Next": then}],
        "Next": then,
    }
