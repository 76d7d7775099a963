"""EventBridge rules with a Lambda function as their target."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def put_rule(events: Any, functions: Any, name: str, function: str, **trigger: Any) -> None:
    """Creates or updates the rule, its target, and the permission for EventBridge to invoke the function.

    `trigger`: `EventPattern=` or `ScheduleExpression=`, as PutRule takes them.
    """
    rule_arn = events.put_rule(Name=name, State="ENABLED", **trigger)["RuleArn"]
    function_arn = functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    events.put_targets(Rule=name, Targets=[{"Id": function, "Arn": function_arn}])
    # An existing statement of this id grants the same: both its id and its source ARN come from the rule's name.
    with suppress(functions.exceptions.ResourceConflictException):
        functions.add_permission(
            FunctionName=function,
            StatementId=name,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule_arn,
        )
