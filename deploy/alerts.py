"""The last resort of notifications: a rule that tells of executions which end without a state that could tell.

No Catch catches `States.Runtime` and `States.DataLimitExceeded`, and nothing runs in an execution that was aborted or
timed out: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
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
    """The events of executions whose failure nobody has told of."""
    return {
        "source": ["aws.states"],
        "detail-type": [STATUS_CHANGE],
        "detail": {
            "stateMachineArn": sorted(machine_arns),
            "$or": [{"status": ["TIMED_OUT", "ABORTED"]}, {"status": ["FAILED"], "error": _UNCATCHABLE}],
        },
    }


def put_last_resort(events: Any, functions: Any, machine_arns: Iterable[str]) -> None:
    """Creates or updates the rule, with the function of the steps as its target."""
    pattern = json.dumps(uncaught_pattern(machine_arns))
    put_rule(events, functions, UNCAUGHT_RULE, STEPS_FUNCTION, EventPattern=pattern)
