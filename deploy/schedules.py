"""The daily schedule of the ingestion for Step Functions: an EventBridge rule, disabled until somebody enables it.

In Airflow the DAG's own schedule does this, paused until somebody unpauses it.
"""

from __future__ import annotations

from typing import Any

from complaints.settings import PipelineSettings

INGESTION_RULE = "ptmlops-ingestion"


def put_ingestion_schedule(events: Any, settings: PipelineSettings, machine_arn: str) -> None:
    """Creates or updates the rule that starts an execution each day; whether it is enabled stays as it is.

    EventBridge assumes the role of the state machines for that.
    """
    events.put_rule(
        Name=INGESTION_RULE,
        ScheduleExpression=settings.ingestion.schedule_expression,
        State=_state(events),
        Description="Starts complaints_ingestion each day; enable it to switch the ingestion on",
    )
    target = {"Id": "complaints_ingestion", "Arn": machine_arn, "RoleArn": settings.aws.states_role_arn, "Input": "{}"}
    events.put_targets(Rule=INGESTION_RULE, Targets=[target])


def _state(events: Any) -> str:
    """The state that the rule has; DISABLED if there is none."""
    try:
        found: str = events.describe_rule(Name=INGESTION_RULE)["State"]
    except events.exceptions.ResourceNotFoundException:
        return "DISABLED"
    return found
