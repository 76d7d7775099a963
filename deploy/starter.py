"""The starter: a Lambda function, and what calls it — objects that arrive, executions that end, and a clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from complaints.arrivals.events import BATCH_MARKER
from complaints.settings import PipelineSettings
from deploy.event_rules import put_rule
from deploy.lambda_functions import put_function
from stepfunctions.handlers.starter import STARTER_FUNCTION
from stepfunctions.handlers.steps import STATUS_CHANGE

FLOW = "complaints_classification"
_TRIGGER = Path(__file__).parent.parent / "stepfunctions" / f"{FLOW}.trigger.json"
_SWEEP = "rate(15 minutes)"
_OLDEST_EVENT_SECONDS = 6 * 3600  # Lambda's own limit


def put_starter(
    clients: Mapping[str, Any],
    settings: PipelineSettings,
    machine_arn: str,
    code: bytes,
    layers: Sequence[str] = (),
) -> None:
    """Creates or updates the function and its rules, and has the bucket tell of new objects.

    `clients`: boto3 clients by service (lambda, events, s3, sqs). The dead-letter queue must exist.
    """
    functions, queue_arn = clients["lambda"], settings.aws.dead_letter_queue_arn
    environment = {
        "STATE_MACHINE_ARN": machine_arn,
        "MAX_EXECUTIONS": str(settings.glue.max_concurrent_runs),
        "DEAD_LETTER_QUEUE_URL": clients["sqs"].get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"],
    }
    put_function(
        functions,
        STARTER_FUNCTION,
        code,
        Handler="stepfunctions.handlers.starter.on_event",
        Role=settings.aws.lambda_role_arn,
        Timeout=300,
        MemorySize=256,
        Environment={"Variables": environment},
        Layers=list(layers),
    )
    # One at a time: who counts the running executions must not be overtaken before starting another.
    functions.put_function_concurrency(FunctionName=STARTER_FUNCTION, ReservedConcurrentExecutions=1)
    functions.put_function_event_invoke_config(
        FunctionName=STARTER_FUNCTION,
        MaximumRetryAttempts=2,
        MaximumEventAgeInSeconds=_OLDEST_EVENT_SECONDS,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    for name, what in rules(settings, machine_arn).items():
        put_rule(clients["events"], functions, name, STARTER_FUNCTION, **what)
    _tell_eventbridge(clients["s3"], settings.storage.bucket)


def rules(settings: PipelineSettings, machine_arn: str) -> dict[str, dict[str, str]]:
    """When the starter is called, by the name of the rule."""
    arrivals = json.loads(_TRIGGER.read_text(encoding="utf-8"))
    marker = {"key": [{"wildcard": f"{settings.storage.batches}*/{BATCH_MARKER}"}]}
    batches = {**arrivals, "detail": {**arrivals["detail"], "object": marker}}
    ends = {"stateMachineArn": [machine_arn], "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]}
    ended = {"source": ["aws.states"], "detail-type": [STATUS_CHANGE], "detail": ends}
    patterns = {"ptmlops-arrivals": arrivals, "ptmlops-batches": batches, "ptmlops-ended": ended}
    return {
        **{name: {"EventPattern": json.dumps(pattern)} for name, pattern in patterns.items()},
        "ptmlops-sweep": {"ScheduleExpression": _SWEEP},
    }


def _tell_eventbridge(s3: Any, bucket: str) -> None:
    """Adds EventBridge to whatever else the bucket tells of its objects."""
    told = s3.get_bucket_notification_configuration(Bucket=bucket)
    told.pop("ResponseMetadata", None)
    if "EventBridgeConfiguration" not in told:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={**told, "EventBridgeConfiguration": {}}
        )
