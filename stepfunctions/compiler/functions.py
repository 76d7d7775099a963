"""The Python functions that Lambda calls: importable by name, with named arguments from the DAG."""

from __future__ import annotations

import inspect
from typing import Any

from airflow.sdk.definitions.context import Context as AirflowContext

from stepfunctions.compiler.refusals import RefusedError

_CONTEXT = frozenset(AirflowContext.__annotations__)
_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def call(task: Any) -> tuple[str, dict[str, Any]]:
    """The dotted name of the task's function, and its arguments by name.

    Raises:
        RefusedError: Lambda cannot import the function, or cannot provide its arguments.
    """
    # A state calls what `fails_at_once` wraps: it retries on no error of a function anyway.
    function = inspect.unwrap(task.python_callable)
    name = dotted_name(function, task.task_id, task.dag.fileloc)
    signature = inspect.signature(function)
    if any(parameter.kind in _ANY for parameter in signature.parameters.values()):
        raise RefusedError(
            task.task_id,
            "named-arguments",
            f"{name} takes *args or **kwargs, and Lambda passes arguments by name; name them",
        )
    bound = signature.bind(*task.op_args, **task.op_kwargs).arguments
    if wanted := sorted(_CONTEXT & signature.parameters.keys() - bound.keys()):
        raise RefusedError(
            task.task_id,
            "airflow-context",
            f"{name} takes {', '.join(wanted)} from Airflow's context, which Lambda does not have; "
            "pass a DAG parameter or another task's result",
        )
    return name, dict(bound)


def dotted_name(function: Any, task_id: str, dag_file: str, rule: str = "importable-function") -> str:
    """The name, `module.function`, by which Lambda imports `function`.

    Raises:
        RefusedError: the function is not at the top level of a module, or its module is a DAG file, which imports
            Airflow.
    """
    if not inspect.isfunction(function):
        raise RefusedError(
            task_id, rule, f"Lambda cannot call {function!r}; write a function in a module outside the DAG file"
        )
    name = f"{function.__module__}.{function.__qualname__}"
    in_dag_file = inspect.getsourcefile(function) == dag_file
    if "." in function.__qualname__ or "<" in name or function.__module__ == "__main__" or in_dag_file:
        raise RefusedError(
            task_id, rule, f"Lambda cannot import {name}; move it to the top level of a module outside the DAG file"
        )
    return name
