"""The starter: the Lambda function that starts executions, and what invokes it.

It is invoked for each object that arrives, each execution that ends, and every 15 minutes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from complaints.arrivals.events import BATCH_MARKER
from complaints.settings import PipelineSettings
from deploy.errors import QuotaError
from deploy.event_rules import put_rule
from deploy.lambda_functions import put_function
from stepfunctions.handlers.starter import STARTER_FUNCTION
from stepfunctions.handlers.steps import STATUS_CHANGE
from stepfunctions.substitutions import filled, substitutions

FLOW = "complaints_classification"
_TRIGGER = Path(__file__).parent.parent / "stepfunctions" / f"{FLOW}.trigger.json"
_SWEEP = "rate(15 minutes)"
_OLDEST_EVENT_SECONDS = 6 * 3600  # Lambda's limit


def put_starter(
    clients: Mapping[str, Any],
    settings: PipelineSettings,
    machine_arn: str,
    code: bytes,
    layers: Sequence[str] = (),
) -> None:
    """Creates or updates the function and its rules, and turns on the bucket's events in EventBridge.

    `clients`: boto3 clients by service (lambda, events, s3, sqs). The dead-letter queue must exist.

    Raises:
        QuotaError: the account has no concurrency left to reserve; all else is deployed.
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
    functions.put_function_event_invoke_config(
        FunctionName=STARTER_FUNCTION,
        MaximumRetryAttempts=2,
        MaximumEventAgeInSeconds=_OLDEST_EVENT_SECONDS,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    for name, trigger in rules(settings, machine_arn).items():
        put_rule(clients["events"], functions, name, STARTER_FUNCTION, **trigger)
    _send_events(clients["s3"], settings.storage.bucket)
    _reserve_concurrency(functions)


def rules(settings: PipelineSettings, machine_arn: str) -> dict[str, dict[str, str]]:
    """The event pattern or the schedule of each rule that invokes the starter, by the rule's name."""
    arrivals = json.loads(filled(_TRIGGER.read_text(encoding="utf-8"), substitutions(settings)))
    marker = {"key": [{"wildcard": f"{settings.storage.batches}*/{BATCH_MARKER}"}]}
    batches = {**arrivals, "detail": {**arrivals["detail"], "object": marker}}
    ends = {"stateMachineArn": [machine_arn], "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]}
    ended = {"source": ["aws.states"], "detail-type": [STATUS_CHANGE], "detail": ends}
    patterns = {"ptmlops-arrivals": arrivals, "ptmlops-batches": batches, "ptmlops-ended": ended}
    return {
        **{name: {"EventPattern": json.dumps(pattern)} for name, pattern in patterns.items()},
        "ptmlops-sweep": {"ScheduleExpression": _SWEEP},
    }


def _send_events(s3: Any, bucket: str) -> None:
    """Turns on the bucket's events in EventBridge, and keeps its other notifications."""
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    configuration.pop("ResponseMetadata", None)
    if "EventBridgeConfiguration" not in configuration:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={**configuration, "EventBridgeConfiguration": {}}
        )


def _reserve_concurrency(functions: Any) -> None:
    """Lets one starter run at a time: two at once would both count the running executions before either starts one.

    Last, since an account may refuse it: 100 of its concurrent executions (10 in a new account) must stay unreserved.
    """
    try:
        functions.put_function_concurrency(FunctionName=STARTER_FUNCTION, ReservedConcurrentExecutions=1)
    except functions.exceptions.InvalidParameterValueException as error:
        raise QuotaError(
            f"Lambda cannot reserve one concurrent execution for {STARTER_FUNCTION}: in Service Quotas, request at "
            "least 101 for AWS Lambda's 'Concurrent executions', and deploy again once it is granted"
        ) from error
