"""The Lambda entry point of the Python tasks and the failure callbacks, which it calls by name."""

from __future__ import annotations

import importlib.util
import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import boto3

from complaints.aws.console import execution_url
from complaints.settings.parameters import check_known
from stepfunctions.handlers.observed import observed

# Permission to invoke the Lambda function must not be permission to call anything that Python can import.
TASKS = "complaints.tasks"
CALLBACKS = "complaints.notifications"
STATUS_CHANGE = "Step Functions Execution Status Change"
ALARM_CHANGE = "CloudWatch Alarm State Change"
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_UNCATCHABLE = ("States.Runtime", "States.DataLimitExceeded")


def _import_all(*packages: str) -> None:
    for package in packages:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)


# As an environment starts, for all of its invocations: each would import its own task's module.
_import_all(TASKS, CALLBACKS)


class ForeignFunctionError(ValueError):
    """The event names a function that is neither a task nor a callback of the flows."""


class StateError(Exception):
    """The failure of a state: Step Functions' `error` and `cause`, in place of Airflow's exception."""

    def __init__(self, error: str, cause: str) -> None:
        self.error = error
        self.cause = cause
        super().__init__(f"{error}: {cause}")


def run_step(event: Mapping[str, Any], _context: object) -> Any:
    """Calls a task and returns its result as JSON, or calls a failure callback.

    `event`: `{"function": name, "arguments": {...}}`, where the first function of an execution also has `parameters`
    (the input `given`, the names `known`); or `{"callback": name, "context": ...}` (`failure_context`); or
    EventBridge's "Step Functions Execution Status Change" of an execution that ended outside of its states, or its
    "CloudWatch Alarm State Change".

    Raises:
        UnknownParameterError: the execution's input has a name that its flow does not know.
        ForeignFunctionError: the function is not in `complaints.tasks`, or the callback in `complaints.notifications`.
    """
    if event.get("detail-type") == STATUS_CHANGE:
        if (ended := uncaught(event["detail"], _described)) is not None:
            function_named(f"{CALLBACKS}.alerts.on_failure", CALLBACKS)(failure_context(ended))
        return None
    if event.get("detail-type") == ALARM_CHANGE:
        return function_named(f"{TASKS}.alarms.retrain_on_alarm", TASKS)(event)
    if "callback" in event:
        function_named(event["callback"], CALLBACKS)(failure_context(event["context"]))
        return None
    if "parameters" in event:
        check_known(event["parameters"]["given"], event["parameters"]["known"])
    result = observed(event["function"], event["arguments"], function_named(event["function"], TASKS))
    return json.loads(json.dumps(result))


def failure_context(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of Airflow's context that an execution knows.

    `known`: dag_id, run_id, execution_arn, error (`{"Error": …, "Cause": …}`), and for a task's callback task_id.
    """
    dag_id, task_id, run_id = known["dag_id"], known.get("task_id"), known["run_id"]
    ids = {"dag_id": dag_id, "task_id": task_id or "the run", "run_id": run_id}
    instance = SimpleNamespace(**ids, log_url=execution_url(known["execution_arn"]))
    error = known.get("error", {})
    return _Context(
        dag=SimpleNamespace(dag_id=dag_id),
        dag_run=SimpleNamespace(dag_id=dag_id, run_id=run_id),
        run_id=run_id,
        ti=instance,
        task_instance=instance,
        task=SimpleNamespace(dag_id=dag_id, task_id=task_id),
        params=known.get("params", {}),
        exception=StateError(str(error.get("Error", "")), str(error.get("Cause", ""))),
    )


def uncaught(execution: Mapping[str, Any], described: Callable[[str], Mapping[str, Any]]) -> dict[str, Any] | None:
    """The failure of an execution that no state can have reported, as `failure_context` takes it; None for any other.

    `execution`: the detail of the event, which need not have the error; `described` asks for it by the execution's ARN.
    """
    status = execution["status"]
    if status == "FAILED":
        if not execution.get("error"):
            execution = {**execution, **described(execution["executionArn"])}
        # Every other error is caught, and its state has called the callback.
        if execution.get("error") not in _UNCATCHABLE:
            return None
    return {
        "dag_id": execution["stateMachineArn"].rpartition(":")[2],
        "run_id": execution["name"],
        "execution_arn": execution["executionArn"],
        "error": {
            "Error": execution.get("error") or f"States.{status}",
            "Cause": execution.get("cause") or f"the execution ended as {status}",
        },
    }


def _described(execution_arn: str) -> Mapping[str, Any]:
    """DescribeExecution: the error and the cause of an execution that failed."""
    client = boto3.client("stepfunctions", region_name=execution_arn.split(":")[3])
    found: Mapping[str, Any] = client.describe_execution(executionArn=execution_arn)
    return {name: found[name] for name in ("error", "cause") if name in found}


class _Context(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        raise KeyError(f"an execution has no {name!r} of Airflow's context; it has {', '.join(self)}")


def function_named(name: str, package: str) -> Any:
    """The public function `name`, which a module of `package` itself must define.

    Raises:
        ForeignFunctionError: it is anything else, for example private, imported by the module, or in a subpackage.
    """
    module, _, function = name.rpartition(".")
    parent, _, place = module.rpartition(".")
    if parent != package or place.startswith("_") or function.startswith("_"):
        raise ForeignFunctionError(f"{name!r} is not a task of the flows: its name must begin with {package + '.'!r}")
    known = importlib.util.find_spec(module) is not None
    found = getattr(importlib.import_module(module), function, None) if known else None
    if not inspect.isfunction(found) or found.__module__ != module:
        raise ForeignFunctionError(f"{module} defines no task {function!r}")
    return found
