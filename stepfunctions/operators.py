"""How one task of each operator type becomes states: one small function a type, registered by the type's name.

Each function returns the states of its task in order; the first is named as the task. What the task leaves for
others stands under `return_value`, in the shape of its XCom.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from stepfunctions import retries
from stepfunctions.functions import call
from stepfunctions.handlers.steps import STEPS_FUNCTION
from stepfunctions.references import RETURN_VALUE, Scope, path_to, payload
from stepfunctions.refusals import RefusedError

State: TypeAlias = dict[str, Any]

# A job's name is used up by its first attempt: from the second on, the attempt's number is part of it.
_ATTEMPT = "States.Format('{{}}-{{}}', {}, $$.State.RetryCount)"


@dataclass(frozen=True)
class Context:
    """What a task's function may know besides the task: where it stands, and the states that end the machine."""

    scope: Scope
    failed: str
    done: str


ToStates: TypeAlias = Callable[[Any, Context], dict[str, State]]
OPERATORS: dict[str, ToStates] = {}


def becomes_states(*types: str) -> Callable[[ToStates], ToStates]:
    """Registers the function that compiles tasks of these operator types."""

    def register(function: ToStates) -> ToStates:
        OPERATORS.update(dict.fromkeys(types, function))
        return function

    return register


def task_states(task: Any, context: Context) -> dict[str, State]:
    """The states of one task, by name, in order.

    Raises:
        RefusedError: nobody knows how to compile the task's operator, or the task says what no state can.
    """
    function = OPERATORS.get(task.task_type)
    if function is None:
        known = ", ".join(sorted(OPERATORS))
        raise RefusedError(
            task.task_id, "unknown-operator", f"{task.task_type} has no state; use one of {known}, or a @task"
        )
    return function(task, context)


@becomes_states("EmptyOperator")
def empty(task: Any, _: Context) -> dict[str, State]:
    """A Pass that leaves nothing."""
    return {task.task_id: {"Type": "Pass"}}


BRANCHING = ("_BranchPythonDecoratedOperator", "BranchPythonOperator")
SHORT_CIRCUITING = ("_ShortCircuitDecoratedOperator", "ShortCircuitOperator")


@becomes_states(*SHORT_CIRCUITING)
def short_circuit(task: Any, context: Context) -> dict[str, State]:
    """A Python task, and a Choice that ends the execution well where it says False."""
    if context.scope.is_parallel:
        raise RefusedError(
            task.task_id,
            "short-circuit-in-group",
            "cannot skip what other branches lead to; move it before the branches",
        )
    if inspect.get_annotations(task.python_callable, eval_str=True).get("return") is not bool:
        raise RefusedError(
            task.task_id, "short-circuit-bool", "let the function return bool, and say so: a Choice knows no truthiness"
        )
    verdict = {"Variable": path_to(task.task_id, RETURN_VALUE), "BooleanEquals": True, "Next": None}
    goes_on: State = {"Type": "Choice", "Choices": [verdict], "Default": context.done}
    return {**python(task, context), f"{task.task_id} goes on?": goes_on}


@becomes_states("_PythonDecoratedOperator", "PythonOperator", *BRANCHING)
def python(task: Any, context: Context) -> dict[str, State]:
    """A Lambda invocation of the very same function, its arguments by name."""
    name, arguments = call(task)
    request = {
        "FunctionName": STEPS_FUNCTION,
        "Payload": {"function": name, "arguments": payload(arguments, context.scope)},
    }
    return {
        task.task_id: _service_task(
            task,
            "lambda:invoke",
            request,
            {"return_value.$": "$.Payload"},
            retries.LAMBDA_TRANSIENT,
            context,
        )
    }


@becomes_states("GlueJobOperator")
def glue_job(task: Any, context: Context) -> dict[str, State]:
    """StartJobRun and wait; then a look at the run's final state, since a stopped run may count as done."""
    _check_waited_for(task)
    creating = [name for name in ("script_location", "create_job_kwargs", "iam_role_name") if getattr(task, name)]
    if creating:
        raise RefusedError(
            task.task_id, "creates-job", f"{', '.join(creating)} create a Glue job; let deploy create it, and name it"
        )
    request = payload({"JobName": task.job_name, "Arguments": task.script_args, **task.run_job_kwargs}, context.scope)
    started = _service_task(
        task,
        "glue:startJobRun.sync",
        request,
        {"return_value.$": "$.Id", "JobName.$": "$.JobName", "JobRunState.$": "$.JobRunState"},
        retries.GLUE_TRANSIENT,
        context,
    )
    checked, ended_badly = f"{task.task_id} succeeded?", f"{task.task_id} did not succeed"
    state = path_to(task.task_id, "JobRunState")
    return {
        task.task_id: started,
        checked: {
            "Type": "Choice",
            "Choices": [{"Variable": state, "StringEquals": "SUCCEEDED", "Next": None}],
            "Default": ended_badly,
        },
        ended_badly: {
            "Type": "Pass",
            # In the words in which a failed run's cause is told: JSON of the run.
            "Parameters": {
                "Error": "Glue.JobRunNotSucceeded",
                "Cause.$": f"States.JsonToString({path_to(task.task_id)})",
            },
            "ResultPath": "$.error",
            "Next": context.failed,
        },
    }


def _sagemaker_job(
    kind: str, name_of: str, kept: tuple[str, ...], *, result: str = "", longest_name: int = 63
) -> ToStates:
    """`kind` is the API's word for the job, `result` the operator's for what it leaves, where that differs."""

    def states(task: Any, context: Context) -> dict[str, State]:
        _check_waited_for(task)
        request = payload(task.config, context.scope)
        _name_by_attempt(request, name_of, task.task_id, longest_name - len("-10"))
        selected = {f"{member}.$": f"$.{member}" for member in (name_of, *kept)}
        return {
            task.task_id: _service_task(
                task,
                f"sagemaker:create{kind}Job.sync",
                request,
                {"return_value": {result or kind: selected}},
                retries.SAGEMAKER_TRANSIENT,
                context,
            )
        }

    return states


becomes_states("SageMakerTrainingOperator")(
    _sagemaker_job("Training", "TrainingJobName", ("TrainingJobStatus", "ModelArtifacts"))
)
becomes_states("SageMakerProcessingOperator")(
    _sagemaker_job("Processing", "ProcessingJobName", ("ProcessingJobStatus",))
)
becomes_states("SageMakerTransformOperator")(
    _sagemaker_job("Transform", "TransformJobName", ("TransformJobStatus", "TransformOutput"))
)

becomes_states("SageMakerTuningOperator")(
    _sagemaker_job(
        "HyperParameterTuning",
        "HyperParameterTuningJobName",
        ("HyperParameterTuningJobStatus", "BestTrainingJob"),
        result="Tuning",
        longest_name=32,
    )
)


def _check_waited_for(task: Any) -> None:
    if not task.wait_for_completion:
        raise RefusedError(
            task.task_id, "not-waited-for", "the state waits for its job; remove wait_for_completion=False"
        )


def _name_by_attempt(request: dict[str, Any], field: str, task_id: str, room: int) -> None:
    """SageMaker never takes a job name twice: adds the attempt's number to it, which has to fit behind it."""
    if f"{field}.$" in request:
        request[f"{field}.$"] = _ATTEMPT.format(request[f"{field}.$"])
        return
    name = request.pop(field, None)
    if not isinstance(name, str) or not 0 < len(name) <= room:
        raise RefusedError(
            task_id, "job-name", f"{field} {name!r} leaves no room for the attempt: use {room} characters, or less"
        )
    request[f"{field}.$"] = _ATTEMPT.format(f"'{name}'")


def error_state(error: str, cause: str, path: str, failed: str) -> State:
    """A Pass that makes an error of its own, `cause` with the value at `path` in place of `{}`, and fails with it."""
    return {
        "Type": "Pass",
        "Parameters": {"Error": error, "Cause.$": f"States.Format('{cause}', {path})"},
        "ResultPath": "$.error",
        "Next": failed,
    }


def _service_task(
    task: Any,
    integration: str,
    request: Mapping[str, Any],
    result: Mapping[str, Any],
    transient: tuple[str, ...],
    context: Context,
) -> State:
    """A Task that calls a service, keeps a small result under the task's id, and gives up as the task would."""
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
