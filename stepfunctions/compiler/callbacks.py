"""What a failure calls: the functions of `on_failure_callback`, as states between the error and the end.

Each failed task calls its own, as in Airflow, and then the DAG's are called. The same function is called as there,
through Lambda, with as much of Airflow's context as an execution knows (`handlers.steps.failure_context`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import dotted_name
from stepfunctions.compiler.refusals import Refusal, RefusedError
from stepfunctions.handlers.steps import STEPS_FUNCTION

_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3
# What Airflow calls at other times, and no state would.
_OTHERS = ("on_execute_callback", "on_success_callback", "on_retry_callback", "on_skipped_callback")


def callback_refusals(dag: Any) -> Iterator[Refusal]:
    """The callbacks of a DAG and of its tasks that no state could call."""
    for owner in (dag, *dag.tasks):
        task_id = "" if owner is dag else owner.task_id
        for name in _OTHERS:
            if getattr(owner, name, None):
                yield Refusal(
                    task_id, "callback", f"no state calls {name}; let a task do it, or use on_failure_callback"
                )
        for callback in callbacks_of(owner):
            try:
                dotted_name(callback, task_id, dag.fileloc, "failure-callback")
            except RefusedError as error:
                yield error.refusal


def callbacks_of(owner: Any) -> list[Any]:
    """The failure callbacks of a task or a DAG, in the order in which they are called."""
    given = owner.on_failure_callback
    return list(given) if isinstance(given, Sequence) else [given] if given else []


def callback_states(dag: Any, task: Any | None, then: str) -> dict[str, dict[str, Any]]:
    """The states that call the failure callbacks of `task`, or of the DAG where it is None, on their way to `then`.

    Raises:
        RefusedError: Lambda could not import one of them.
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
        # Nothing of what it returns is kept: the error stays what it was.
        "ResultPath": None,
        "TimeoutSeconds": _TIMEOUT_SECONDS,
        **retries.start_retry(_ATTEMPTS, retries.LAMBDA_TRANSIENT),
        # Whatever becomes of the call, the execution fails with its own error.
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.callback_error", "Next": then}],
        "Next": then,
    }
