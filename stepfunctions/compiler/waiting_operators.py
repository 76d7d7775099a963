"""The operator that waits for a person, as a state with a task token."""

from __future__ import annotations

from typing import Any

from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import dotted_name
from stepfunctions.compiler.operators import Context, State, becomes_states, service_task
from stepfunctions.compiler.references import RETURN_VALUE, path_to, payload
from stepfunctions.handlers import STEPS_FUNCTION


@becomes_states("ApprovalOperator")
def approval(task: Any, context: Context) -> dict[str, State]:
    """A Lambda invocation that passes on the task token, and waits for its answer; none in time is no failure.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
    """
    function, arguments = task.asks()
    name = dotted_name(function, task.task_id, task.dag.fileloc)
    given = {**payload(arguments, context.scope), "token.$": "$$.Task.Token"}
    request = {"FunctionName": STEPS_FUNCTION, "Payload": {"function": name, "arguments": given}}
    answered = {f"{RETURN_VALUE}.$": "$"}
    waits = service_task(task, "lambda:invoke.waitForTaskToken", request, answered, retries.LAMBDA_TRANSIENT, context)
    goes_on = f"{task.task_id} goes on"
    waits["TimeoutSeconds"] = int(task.response_timeout.total_seconds())
    waits["Catch"].insert(0, {"ErrorEquals": ["States.Timeout"], "ResultPath": path_to(task.task_id), "Next": goes_on})
    return {task.task_id: waits, goes_on: {"Type": "Pass"}}
