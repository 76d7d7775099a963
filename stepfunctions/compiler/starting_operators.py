"""The operator that decides, and may start another flow, as a state: its function starts the other flow's machine."""

from __future__ import annotations

from typing import Any

from stepfunctions.compiler import retries
from stepfunctions.compiler.functions import dotted_name
from stepfunctions.compiler.operators import Context, State, becomes_states, service_task
from stepfunctions.compiler.references import RETURN_VALUE, payload
from stepfunctions.handlers import STEPS_FUNCTION


@becomes_states("MonitoringDecisionOperator")
def decision(task: Any, context: Context) -> dict[str, State]:
    """A Lambda invocation that gets the machine's own ARN, beside which it finds the machine to start."""
    function, arguments = task.decides()
    name = dotted_name(function, task.task_id, task.dag.fileloc)
    given = {**payload(arguments, context.scope), "machine.$": "$$.StateMachine.Id"}
    request = {"FunctionName": STEPS_FUNCTION, "Payload": {"function": name, "arguments": given}}
    result = {f"{RETURN_VALUE}.$": "$.Payload"}
    return {task.task_id: service_task(task, "lambda:invoke", request, result, retries.LAMBDA_TRANSIENT, context)}
