"""Delivery of an event to a rule's target, or to the target's dead-letter queue.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

import copy
import json
import logging
import time
import uuid
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.events.models import Rule

from localaws.events.input import target_input
from localaws.events.messages import resource_of, send_message, service_of
from localaws.lambdas.functions import Functions
from localaws.lambdas.queue import FunctionQueue
from localaws.server.cloud import Cloud
from localaws.server.protocol import ApiError, Json

# SQS accepts 256 KiB with all attributes.
MAX_ERROR_MESSAGE = 1024
MISSING = ("NotFound", "NotExist", "NonExistent")

_log = logging.getLogger(__name__)


class Targets:
    """The targets of rules. Nothing raises: errors of a target do not concern the sender."""

    def __init__(self, cloud: Cloud, functions: Functions, queue: FunctionQueue) -> None:
        self._cloud = cloud
        self._functions = functions
        self._queue = queue
        self._send_elsewhere: Any = Rule.send_to_targets

    def deliver(self, rule: Any, target: Json, event: Json) -> None:
        """Deliver the event to the target, or else to its dead-letter queue."""
        try:
            self._send(rule, target, event)
        except Exception as error:
            _log.warning("rule %s could not deliver to %s: %s", rule.name, target["Arn"], error)
            if arn := target.get("DeadLetterConfig", {}).get("Arn"):
                self._send_to_dead_letters(arn, rule, target, event, error)

    def _send(self, rule: Any, target: Json, event: Json) -> None:
        arn, given = target["Arn"], target_input(rule, target, event)
        service = service_of(arn)
        if service in ("lambda", "states"):
            # These accept only JSON.
            json.loads(given)
        if service == "lambda":
            self._functions.find(arn)
            self._queue.put(arn, given.encode())
        elif service == "states":
            self._cloud.client("stepfunctions").start_execution(stateMachineArn=arn, input=given)
        elif service in ("sqs", "sns"):
            send_message(self._cloud, arn, given, group=target.get("SqsParameters", {}).get("MessageGroupId"))
        elif service == "logs":
            group, stream = resource_of(arn).removeprefix("log-group:").removesuffix(":*"), str(uuid.uuid4())
            logs = self._cloud.client("logs")
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            now = int(time.time() * 1000)
            entry = {"timestamp": now, "message": given}
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry])
        elif service == "events" and resource_of(arn).startswith("event-bus/"):
            self._forward(arn, event)
        else:
            # moto delivers to archives and API destinations; it wants the time in seconds.
            alone = copy.copy(rule)
            alone.targets = [target]
            at = datetime.fromisoformat(event["time"]).timestamp()
            self._send_elsewhere(alone, event | {"time": at, "ingestion-time": at})

    def _forward(self, bus: str, event: Json) -> None:
        entry = {
            "EventBusName": resource_of(bus).removeprefix("event-bus/"),
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Resources": event["resources"],
            "Detail": json.dumps(event["detail"]),
        }
        self._cloud.client("events").put_events(Entries=[entry])

    def _send_to_dead_letters(self, arn: str, rule: Any, target: Json, event: Json, error: Exception) -> None:
        attributes = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": _code(error),
            "ERROR_MESSAGE": str(error)[:MAX_ERROR_MESSAGE] or type(error).__name__,
            "RETRY_ATTEMPTS": "0",
        }
        try:
            send_message(self._cloud, arn, json.dumps(event), attributes)
        except Exception:
            _log.exception("rule %s: could not send the event to %s", rule.name, arn)


def _code(error: Exception) -> str:
    """EventBridge's error code."""
    if isinstance(error, ClientError | ApiError):
        code = error.code if isinstance(error, ApiError) else str(error.response["Error"]["Code"])
        return "NO_RESOURCE" if any(word in code for word in MISSING) else "ERROR_FROM_TARGET"
    return "INVALID_JSON" if isinstance(error, ValueError) else "INTERNAL_ERROR"
