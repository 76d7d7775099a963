"""A mapped task as a Map: `expand()` over a list that a task before it returned, a bounded number of items at a time.

The first item that fails fails the Map, and the others are stopped; in Airflow they go on, and the tasks after them do
not run either.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from airflow.sdk.definitions.xcom_arg import PlainXComArg

from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import dotted_name
from stepfunctions.compiler.operators import Context, State
from stepfunctions.compiler.references import RETURN_VALUE, path_to, payload
from stepfunctions.compiler.refusals import RefusedError
from stepfunctions.handlers import STEPS_FUNCTION

ITEM = "$$.Map.Item.Value"


class Item(NamedTuple):
    """What a Map does with each item: the input made of it, and the request, its result and its transient errors."""

    selector: Mapping[str, Any]
    integration: str
    request: Mapping[str, Any]
    output: Mapping[str, Any]
    transient: tuple[str, ...]


ToItem: TypeAlias = Callable[[Any, str, Context], Item]


def mapped_states(task: Any, context: Context) -> dict[str, State]:
    """The Map of a mapped task.

    Raises:
        RefusedError: the items are no result of a task, their number at a time has no bound, or the operator has no
            mapped form.
    """
    to_item = _TYPES.get(task.task_type)
    if to_item is None:
        known = "a @task or a TriggerDagRunOperator"
        raise RefusedError(
            task.task_id, "mapped-operator", f"a mapped {task.task_type} cannot be compiled; use {known}"
        )
    limit = task.max_active_tis_per_dagrun
    if not limit:
        remedy = "a Map without a bound starts everything at once; set max_active_tis_per_dagrun"
        raise RefusedError(task.task_id, "mapped-concurrency", remedy)
    name, items = _expanded(task)
    item = to_item(task, name, context)
    inner, failed = f"{task.task_id} item", f"{task.task_id} item failed"
    work: State = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{item.integration}",
        "Parameters": dict(item.request),
        "ResultSelector": dict(item.output),
        "ResultPath": "$.result",
        "OutputPath": "$.result.value",
        **retries.timeout(task),
        **retries.retry(task, item.transient),
        **retries.catch(failed),
        "End": True,
    }
    fails: State = {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}
    return {
        task.task_id: {
            "Type": "Map",
            "ItemsPath": context.scope.path(items),
            "MaxConcurrency": int(limit),
            "ItemSelector": dict(item.selector),
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": inner,
                "States": {inner: work, failed: fails},
            },
            "ResultSelector": {f"{RETURN_VALUE}.$": "$"},
            "ResultPath": path_to(task.task_id),
            **retries.catch(context.failed),
        }
    }


def _expanded(task: Any) -> tuple[str, PlainXComArg]:
    """The one argument that is expanded, and the list that it is expanded over."""
    values = getattr(_input(task), "value", None)
    expanded = list(values.items()) if isinstance(values, Mapping) else []
    if len(expanded) != 1 or not isinstance(expanded[0][1], PlainXComArg):
        remedy = "only one argument can be expanded, over a list that a @task returned; compute that list in a @task"
        raise RefusedError(task.task_id, "dynamic-mapping", remedy)
    return expanded[0]


def _input(task: Any) -> Any:
    return getattr(task, "op_kwargs_expand_input", None) or task.expand_input


def _function(task: Any, name: str, context: Context) -> Item:
    """A Lambda invocation for each item, with the other arguments beside it."""
    function = inspect.unwrap(task.python_callable)
    given = payload(task.partial_kwargs.get("op_kwargs") or {}, context.scope)
    called = dotted_name(function, task.task_id, task.dag.fileloc)
    return Item(
        {"arguments": {**given, f"{name}.$": ITEM}},
        "lambda:invoke",
        {"FunctionName": STEPS_FUNCTION, "Payload": {"function": called, "arguments.$": "$.arguments"}},
        {"value.$": "$.Payload"},
        retries.LAMBDA_TRANSIENT,
    )


def _execution(task: Any, name: str, _: Context) -> Item:
    """An execution of another flow's machine, deployed beside this one, for each item, awaited to its end."""
    if name != "conf" or not task.partial_kwargs.get("wait_for_completion"):
        remedy = "expand `conf`, and set wait_for_completion: a Map awaits each execution"
        raise RefusedError(task.task_id, "mapped-trigger", remedy)
    parts = (f"States.ArrayGetItem(States.StringSplit($$.StateMachine.Id, ':'), {place})" for place in range(6))
    machine = (
        f"States.Format('{{}}:{{}}:{{}}:{{}}:{{}}:{{}}:{task.partial_kwargs['trigger_dag_id']}', {', '.join(parts)})"
    )
    return Item(
        {"input.$": ITEM},
        "states:startExecution.sync:2",
        {"StateMachineArn.$": machine, "Input.$": "$.input"},
        {"value.$": "$.ExecutionArn"},
        retries.STATES_TRANSIENT,
    )


_TYPES: dict[str, ToItem] = {
    "_PythonDecoratedOperator": _function,
    "TriggerDagRunOperator": _execution,
}
