"""Rules that call Lambda functions: made or brought up to date, and allowed to."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def put_rule(events: Any, functions: Any, name: str, function: str, **what: Any) -> None:
    """The EventBridge rule `name` (`EventPattern=` or `ScheduleExpression=`) with the function as its target."""
    rule_arn = events.put_rule(Name=name, State="ENABLED", **what)["RuleArn"]
    function_arn = functions.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    events.put_targets(Rule=name, Targets=[{"Id": function, "Arn": function_arn}])
    # Where the statement is there already, it says the same: its id is the rule's name, which the ARN is made of.
    with suppress(functions.exceptions.ResourceConflictException):
        functions.add_permission(
            FunctionName=function,
            StatementId=name,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule_arn,
        )
