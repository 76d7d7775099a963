"""The EventBridge rule that reports failed executions which no state can report.

No Catch catches `States.Runtime` and `States.DataLimitExceeded`, and an execution that was aborted or timed out runs no
more states: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from deploy.event_rules import put_rule
from stepfunctions.handlers.steps import STATUS_CHANGE, STEPS_FUNCTION

UNCAUGHT_RULE = "ptmlops-uncaught"
_UNCATCHABLE = ["States.Runtime", "States.DataLimitExceeded"]


def uncaught_pattern(machine_arns: Iterable[str]) -> dict[str, Any]:
    """The event pattern of executions that ended without calling a failure callback."""
    return {
        "source": ["aws.states"],
        "detail-type": [STATUS_CHANGE],
        "detail": {
            "stateMachineArn": sorted(machine_arns),
            "$or": [{"status": ["TIMED_OUT", "ABORTED"]}, {"status": ["FAILED"], "error": _UNCATCHABLE}],
        },
    }


def put_uncaught_rule(events: Any, functions: Any, machine_arns: Iterable[str]) -> None:
    """Creates or updates the rule, with the function of the Python tasks as its target."""
    pattern = json.dumps(uncaught_pattern(machine_arns))
    put_rule(events, functions, UNCAUGHT_RULE, STEPS_FUNCTION, EventPattern=pattern)
