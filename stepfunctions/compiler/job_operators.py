"""The operators that start a job, as states.

An operator with `looks_first` becomes two states: the first looks for the job with the operator's own function, and the
second starts one. A running job is waited for, and a finished job is not started again.
"""

from __future__ import annotations

import math
from typing import Any

from complaints.aws.job_kinds import GLUE, KINDS, JobKind
from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import dotted_name
from stepfunctions.compiler.operators import Context, State, ToStates, becomes_states, service_task
from stepfunctions.compiler.references import RETURN_VALUE, path_to, payload
from stepfunctions.compiler.refusals import RefusedError
from stepfunctions.handlers import STEPS_FUNCTION

# A name is used up by the first attempt, so it contains the number of the attempt.
_ATTEMPT = "States.Format('{{}}-{{}}', {}, $$.State.RetryCount)"
# Taken by this same request, if its answer was lost, or by another execution of the same run.
_NAME_TAKEN = ("SageMaker.ResourceInUse", "SageMaker.ResourceInUseException")
# An execution may have 25,000 events, and each look adds about ten.
_MOST_LOOKS = 1_000
_LOOK_SECONDS = 300


@becomes_states("GlueJobOperator")
def glue_job(task: Any, context: Context) -> dict[str, State]:
    """StartJobRun and wait, then a check of the final state: AWS does not document how a stopped run ends the state."""
    _check_waited_for(task)
    creating = [name for name in ("script_location", "create_job_kwargs", "iam_role_name") if getattr(task, name)]
    if creating:
        raise RefusedError(
            task.task_id, "creates-job", f"{', '.join(creating)} create a Glue job; let deploy create it, and name it"
        )
    request = payload({"JobName": task.job_name, "Arguments": task.script_args, **task.run_job_kwargs}, context.scope)
    started = service_task(
        task,
        _integration(GLUE),
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
            # The cause of a failed run is the JSON of the run, too.
            "Parameters": {
                "Error": "Glue.JobRunNotSucceeded",
                "Cause.$": f"States.JsonToString({path_to(task.task_id)})",
            },
            "ResultPath": "$.error",
            "Next": context.failed,
        },
    }


def _sagemaker_job(kind: JobKind) -> ToStates:
    """The function that compiles an operator for this kind of job."""

    def states(task: Any, context: Context) -> dict[str, State]:
        _check_waited_for(task)
        request = payload(task.config, context.scope)
        _name_by_attempt(request, kind, task.task_id)
        if _looks_first(task):
            request[f"{kind.id_member}.$"] = path_to(task.task_id, "name")
        kept = (kind.id_member, kind.status_member, *kind.outputs)
        started = service_task(
            task,
            _integration(kind),
            request,
            {"return_value": {kind.result: {f"{member}.$": f"$.{member}" for member in kept}}},
            retries.SAGEMAKER_TRANSIENT,
            context,
        )
        if _looks_first(task):
            again = {"ErrorEquals": list(_NAME_TAKEN), "ResultPath": "$.error", "Next": f"{task.task_id} waits"}
            started["Catch"].insert(0, again)
        return _after_a_look(task, started, context)

    return states


def _integration(kind: JobKind) -> str:
    """The resource that starts a job and waits for its end: `sagemaker:createTrainingJob.sync`."""
    return f"{kind.service}:{kind.start[0].lower()}{kind.start[1:]}.sync"


def _looks_first(task: Any) -> bool:
    return hasattr(task, "looks_first")


def _after_a_look(task: Any, started: State, context: Context) -> dict[str, State]:
    """The state that starts a job, after the states that look for one if the operator looks first."""
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


for _kind in KINDS:
    if _kind is not GLUE:
        becomes_states(f"SageMaker{_kind.result}Operator")(_sagemaker_job(_kind))


def _check_waited_for(task: Any) -> None:
    if not task.wait_for_completion:
        raise RefusedError(
            task.task_id, "not-waited-for", "the state waits for its job; remove wait_for_completion=False"
        )


def _name_by_attempt(request: dict[str, Any], kind: JobKind, task_id: str) -> None:
    """Appends the number of the attempt to the job's name, since SageMaker never accepts a name twice."""
    field, room = kind.id_member, kind.longest_planned_name
    if f"{field}.$" in request:
        request[f"{field}.$"] = _ATTEMPT.format(request[f"{field}.$"])
        return
    name = request.pop(field, None)
    if not isinstance(name, str) or not 0 < len(name) <= room:
        raise RefusedError(
            task_id, "job-name", f"{field} {name!r} leaves no room for the attempt: use {room} characters, or less"
        )
    request[f"{field}.$"] = _ATTEMPT.format(f"'{name}'")
