"""The rule that starts the monitoring of each published classification: an event of S3 for each manifest.

EventBridge starts the state machine itself, with the key of the manifest in place of the run id. It may do so twice;
the second execution finds the job and the decision of the first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings
from stepfunctions.substitutions import filled, substitutions

FLOW = "complaints_monitoring"
MONITORING_RULE = "ptmlops-monitoring"
_TRIGGER = Path(__file__).parent.parent / "stepfunctions" / f"{FLOW}.trigger.json"


def put_monitoring_rule(events: Any, settings: PipelineSettings, machine_arn: str) -> None:
    """Creates or updates the rule; EventBridge assumes the role of the state machines to start an execution.

    The bucket must send its events to EventBridge, which `put_starter` turns on.
    """
    events.put_rule(
        Name=MONITORING_RULE,
        EventPattern=filled(_TRIGGER.read_text(encoding="utf-8"), substitutions(settings)),
        State="ENABLED",
        Description="Starts complaints_monitoring for each published classification",
    )
    target = {
        "Id": FLOW,
        "Arn": machine_arn,
        "RoleArn": settings.aws.states_role_arn,
        "InputTransformer": {"InputPathsMap": {"key": "$.detail.object.key"}, "InputTemplate": '{"run_id": <key>}'},
    }
    events.put_targets(Rule=MONITORING_RULE, Targets=[target])
