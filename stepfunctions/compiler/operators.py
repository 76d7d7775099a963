"""The states of one task: one function per operator type, registered by the type's name.

Each function returns the states of a task in order, and names the first after the task. The state's result is kept
under `return_value`, in the shape of the task's XCom.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import call
from stepfunctions.compiler.references import RETURN_VALUE, Scope, path_to, payload
from stepfunctions.compiler.refusals import RefusedError
from stepfunctions.handlers import STEPS_FUNCTION

State: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """The place of a task in the machine, and the states after its failure (`failed`) and its early end (`done`)."""

    scope: Scope
    failed: str
    done: str


ToStates: TypeAlias = Callable[[Any, Context], dict[str, State]]
OPERATORS: dict[str, ToStates] = {}


def becomes_states(*types: str) -> Callable[[ToStates], ToStates]:
    """Registers the decorated function as the compiler of these operator types."""

    def register(function: ToStates) -> ToStates:
        OPERATORS.update(dict.fromkeys(types, function))
        return function

    return register


def task_states(task: Any, context: Context) -> dict[str, State]:
    """The states of one task by name, in order.

    Raises:
        RefusedError: the operator, or one of its arguments, cannot be compiled.
    """
    function = OPERATORS.get(task.task_type)
    if function is None:
        known = ", ".join(sorted(OPERATORS))
        raise RefusedError(
            task.task_id, "unknown-operator", f"{task.task_type} cannot be compiled; use one of {known}, or a @task"
        )
    return function(task, context)


@becomes_states("EmptyOperator")
def empty(task: Any, _: Context) -> dict[str, State]:
    """A Pass state without a result."""
    return {task.task_id: {"Type": "Pass"}}


BRANCHING = ("_BranchPythonDecoratedOperator", "BranchPythonOperator")
SHORT_CIRCUITING = ("_ShortCircuitDecoratedOperator", "ShortCircuitOperator")


@becomes_states(*SHORT_CIRCUITING)
def short_circuit(task: Any, context: Context) -> dict[str, State]:
    """A Python task, and a Choice that ends the execution as succeeded if the task returns False."""
    if context.scope.is_parallel:
        raise RefusedError(
            task.task_id,
            "short-circuit-in-group",
            "a short circuit inside parallel branches cannot skip the tasks after them; move it before the branches",
        )
    if inspect.get_annotations(task.python_callable, eval_str=True).get("return") is not bool:
        raise RefusedError(
            task.task_id,
            "short-circuit-bool",
            "a Choice compares with true; annotate the function with -> bool, and return a bool",
        )
    verdict = {"Variable": path_to(task.task_id, RETURN_VALUE), "BooleanEquals": True, "Next": None}
    goes_on: State = {"Type": "Choice", "Choices": [verdict], "Default": context.done}
    return {**python(task, context), f"{task.task_id} goes on?": goes_on}


@becomes_states("_PythonDecoratedOperator", "PythonOperator", *BRANCHING)
def python(task: Any, context: Context) -> dict[str, State]:
    """A Lambda invocation that calls the task's function with its arguments by name."""
    name, arguments = call(task)
    request = {
        "FunctionName": STEPS_FUNCTION,
        "Payload": {"function": name, "arguments": payload(arguments, context.scope), **_parameters(task)},
    }
    return {
        task.task_id: service_task(
            task,
            "lambda:invoke",
            request,
            {"return_value.$": "$.Payload"},
            retries.LAMBDA_TRANSIENT,
            context,
        )
    }


def _parameters(task: Any) -> dict[str, Any]:
    """For the first function of an execution, which refuses an input that has more than the DAG's parameters."""
    upstream = task.get_flat_relatives(upstream=True) if task.upstream_task_ids else ()
    if any(hasattr(each, "python_callable") for each in upstream):
        return {}
    return {"parameters": {"given.$": "$$.Execution.Input", "known": list(task.dag.params)}}


def error_state(error: str, cause: str, path: str, failed: str) -> State:
    """A Pass that sets an error, with the value at `path` in place of `{}` in `cause`, and leads to `failed`."""
    return {
        "Type": "Pass",
        "Parameters": {"Error": error, "Cause.$": f"States.Format('{cause}', {path})"},
        "ResultPath": "$.error",
        "Next": failed,
    }


def service_task(
    task: Any,
    integration: str,
    request: Mapping[str, Any],
    result: Mapping[str, Any],
    transient: tuple[str, ...],
    context: Context,
) -> State:
    """A Task state with the task's timeout and retries, which keeps the service's result under the task's id."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{integration}",
        "Parameters": dict(request),
        "ResultSelector": dict(result),
        "ResultPath": path_to(task.task_id),
        **retries.timeout(task),
        **retries.retry(task, transient),
        **retries.catch(context.failed),
    }
