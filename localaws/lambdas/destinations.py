"""Destinations and dead-letter queues of asynchronous invocations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localaws.events.messages import resource_of, send_message, service_of
from localaws.lambdas.invocation import Reply
from localaws.moto_patches.lambda_settings import dead_letter_arn, event_invoke_config
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json

MAX_ERROR_MESSAGE = 1024

_log = logging.getLogger(__name__)


@dataclass
class Event:
    """An event for a function: when it was accepted (`time.monotonic`), and the number of attempts."""

    name: str
    payload: bytes
    qualifier: str | None
    request_id: str
    accepted: float
    attempts: int = 0


def succeeded(cloud: Cloud, function: Any, event: Event, reply: Reply) -> None:
    """Send a record to the function's OnSuccess destination, if it has one."""
    _send_record(cloud, function, "Success", _record(function, event, "Success", reply))


def failed(cloud: Cloud, function: Any, event: Event, condition: str, reply: Reply | None) -> None:
    """Send a record to the function's OnFailure destination, and the event to its dead-letter queue, if any."""
    _send_record(cloud, function, "Failure", _record(function, event, condition, reply))
    if arn := dead_letter_arn(function):
        error = _json(reply.payload) if reply else {"errorMessage": "Rate Exceeded."}
        message = str(error.get("errorMessage", "") if isinstance(error, dict) else error)
        attributes = {
            "RequestID": event.request_id,
            "ErrorCode": 200 if reply else 429,
            # SQS refuses an attribute without a value.
            "ErrorMessage": message[:MAX_ERROR_MESSAGE] or "Unhandled",
        }
        _log_errors(send_message, cloud, arn, event.payload.decode(errors="replace") or "{}", attributes)


def _send_record(cloud: Cloud, function: Any, outcome: str, record: Json) -> None:
    config = event_invoke_config(function).get("DestinationConfig") or {}
    arn = (config.get(f"On{outcome}") or {}).get("Destination")
    if arn:
        _log_errors(_send, cloud, arn, outcome, record)


def _send(cloud: Cloud, arn: str, outcome: str, record: Json) -> None:
    if service_of(arn) == "lambda":
        cloud.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(record))
    elif service_of(arn) == "events":
        entry = {
            "EventBusName": resource_of(arn).removeprefix("event-bus/"),
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {outcome}",
            "Resources": [arn, record["requestContext"]["functionArn"]],
            "Detail": json.dumps(record),
        }
        cloud.client("events").put_events(Entries=[entry])
    else:
        send_message(cloud, arn, json.dumps(record))


def _record(function: Any, event: Event, condition: str, reply: Reply | None) -> Json:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: Json = {
        "version": "1.0",
        "timestamp": now,
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"{function.function_arn}:{event.qualifier or '$LATEST'}",
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": _json(event.payload or b"{}"),
    }
    if reply:
        response = {"statusCode": 200, "executedVersion": "$LATEST"}
        record["responseContext"] = response | ({"functionError": "Unhandled"} if reply.failed else {})
        record["responsePayload"] = _json(reply.payload)
    return record


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")


def _log_errors(do: Any, *arguments: Any) -> None:
    # AWS only counts these errors in the metrics DestinationDeliveryFailures and DeadLetterErrors.
    try:
        do(*arguments)
    except Exception:
        _log.exception("could not send the record of an asynchronous invocation")
