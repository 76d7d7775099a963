"""How the operators that start a job become states: one function a type.

An operator that `looks_first` becomes a look for the job, by the same function that it uses itself, in front of the
state that starts one: a job that runs already is waited for, and one that is done is not started again.
"""

from __future__ import annotations

import math
from typing import Any

from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import dotted_name
from stepfunctions.compiler.operators import Context, State, ToStates, becomes_states, service_task
from stepfunctions.compiler.references import RETURN_VALUE, path_to, payload
from stepfunctions.compiler.refusals import RefusedError
from stepfunctions.handlers.steps import STEPS_FUNCTION

# A job's name is used up by its first attempt: from the second on, the attempt's number is part of it.
_ATTEMPT = "States.Format('{{}}-{{}}', {}, $$.State.RetryCount)"
# The name is taken: by this very request, whose answer got lost, or by another execution of the same run.
_NAME_TAKEN = ("SageMaker.ResourceInUse", "SageMaker.ResourceInUseException")
# An execution may have 25,000 events, and a look is about ten of them.
_MOST_LOOKS = 1_000
_LOOK_SECONDS = 300


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
    started = service_task(
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
        **_after_a_look(task, started, context),
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
        if _looks_first(task):
            request[f"{name_of}.$"] = path_to(task.task_id, "name")
        selected = {f"{member}.$": f"$.{member}" for member in (name_of, *kept)}
        started = service_task(
            task,
            f"sagemaker:create{kind}Job.sync",
            request,
            {"return_value": {result or kind: selected}},
            retries.SAGEMAKER_TRANSIENT,
            context,
        )
        if _looks_first(task):
            again = {"ErrorEquals": list(_NAME_TAKEN), "ResultPath": "$.error", "Next": f"{task.task_id} waits"}
            started["Catch"].insert(0, again)
        return _after_a_look(task, started, context)

    return states


def _looks_first(task: Any) -> bool:
    return hasattr(task, "looks_first")


def _after_a_look(task: Any, started: State, context: Context) -> dict[str, State]:
    """The state that starts a job, and before it the look whether there is one, where the operator looks first."""
    if not _looks_first(task):
        return {task.task_id: started}
    function, arguments = task.looks_first()
    name = dotted_name(function, task.task_id, task.dag.fileloc)
    looks: State = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": STEPS_FUNCTION,
            "Payload": {"function": name, "arguments": payload(arguments, context.scope)},
        },
        "ResultSelector": {
            "state.$": "$.Payload.state",
            "name.$": "$.Payload.name",
            f"{RETURN_VALUE}.$": "$.Payload.result",
        },
        "ResultPath": path_to(task.task_id),
        "TimeoutSeconds": _LOOK_SECONDS,
        **retries.retry(task, retries.LAMBDA_TRANSIENT),
        **retries.catch(context.failed),
    }
    state = path_to(task.task_id, "state")
    starts, waits = f"{task.task_id} starts", f"{task.task_id} waits"
    pause = max(task.pause, task.execution_timeout.total_seconds() / _MOST_LOOKS)
    return {
        task.task_id: looks,
        f"{task.task_id} found?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": state, "StringEquals": "done", "Next": None},
                {"Variable": state, "StringEquals": "running", "Next": waits},
            ],
            "Default": starts,
        },
        waits: {"Type": "Wait", "Seconds": math.ceil(pause), "Next": task.task_id},
        starts: started,
    }


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
