"""What a Lambda can call: functions that can be imported, with arguments that have names and come from the DAG."""

from __future__ import annotations

import inspect
from typing import Any

from airflow.sdk.definitions.context import Context as AirflowContext

from stepfunctions.refusals import RefusedError

_CONTEXT = frozenset(AirflowContext.__annotations__)
_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def call(task: Any) -> tuple[str, dict[str, Any]]:
    """The dotted name of the task's function, and its arguments by name.

    Raises:
        RefusedError: Lambda could not import the function, or could not give it what Airflow gives it.
    """
    function = task.python_callable
    name = f"{function.__module__}.{function.__qualname__}"
    in_dag_file = inspect.getsourcefile(function) == task.dag.fileloc
    if "." in function.__qualname__ or "<" in name or function.__module__ == "__main__" or in_dag_file:
        raise RefusedError(
            task.task_id, "importable-function", f"Lambda cannot import {name}; move it into a module beside the DAGs"
        )
    signature = inspect.signature(function)
    if any(parameter.kind in _ANY for parameter in signature.parameters.values()):
        raise RefusedError(task.task_id, "named-arguments", f"{name} takes *args or **kwargs; name its arguments")
    bound = signature.bind(*task.op_args, **task.op_kwargs).arguments
    if wanted := sorted(_CONTEXT & signature.parameters.keys() - bound.keys()):
        raise RefusedError(
            task.task_id,
            "airflow-context",
            f"{name} wants {', '.join(wanted)} of Airflow's context, which Lambda lacks; pass a parameter or a result",
        )
    return name, dict(bound)
