"""The default event bus: events are matched and delivered after the caller was answered.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import json
import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends

from localaws.events.pattern import PatternError, matches
from localaws.events.targets import Targets
from localaws.lambdas.queue import FunctionQueue
from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import Json

ALARM_CHANGE = "CloudWatch Alarm State Change"

_log = logging.getLogger(__name__)


class Events:
    """Accepts events of services and of PutEvents. Nothing raises: delivery is asynchronous."""

    def __init__(self, region: str, targets: Targets, queue: FunctionQueue) -> None:
        self._region = region
        self._targets = targets
        self._queue = queue
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="events")

    @property
    def rules(self) -> list[Any]:
        """moto's rules of the default bus."""
        return list(events_backends[ACCOUNT][self._region].event_buses["default"].rules.values())

    def close(self) -> None:
        """Stop; waiting events are lost."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def put(self, event: Json) -> None:
        """Put a service's event on the default bus."""
        self._submit(self._put, event)

    def deliver(self, rule: Any, event: Json) -> None:
        """Deliver an event to a rule's targets, without matching the rule's pattern."""
        for target in list(rule.targets):
            self._submit(self._targets.deliver, rule, target, event)

    def object_created(self, bucket: Any, key: Any, reason: str) -> None:
        """Put S3's event about a new object on the default bus."""
        self.put(_object_created(bucket, key, reason))

    def alarm_changed(self, alarm: Any, before: Json) -> None:
        """Put CloudWatch's event about an alarm on the default bus; `before` is the state that it was in."""
        detail = {
            "alarmName": alarm.name,
            "state": {"value": alarm.state_value, "reason": alarm.state_reason, "timestamp": _iso(time.time())},
            "previousState": before,
            "configuration": {"description": alarm.description},
        }
        self.put(service_event("aws.cloudwatch", ALARM_CHANGE, alarm.region_name, alarm.alarm_arn, detail))

    def function_notified(self, arn: str, event: Json) -> None:
        """Queue a bucket's notification for a function."""
        self._queue.put(arn, json.dumps(event).encode())

    def rule_matched(self, rule: Any, event: Json) -> None:
        """Deliver an event to a rule's targets if the rule is enabled and its pattern matches."""
        if isinstance(event["time"], int | float):
            event = {**event, "time": _iso(event["time"])}
        pattern = rule.event_pattern.get_pattern()
        try:
            if rule.state == "ENABLED" and pattern and matches(pattern, event):
                self.deliver(rule, event)
        except PatternError as error:
            _log.error("rule %s: %s", rule.name, error)

    def _put(self, event: Json) -> None:
        for rule in self.rules:
            self.rule_matched(rule, event)

    def _submit(self, do: Any, *arguments: Any) -> None:
        try:
            self._pool.submit(_log_errors, do, *arguments)
        except RuntimeError:
            _log.info("dropped an event: local AWS is shutting down")


def service_event(source: str, kind: str, region: str, resource: str, detail: Json) -> Json:
    """The event of an AWS service, in EventBridge's envelope; `kind` is its detail-type."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": _iso(time.time()),
        "region": region,
        "resources": [resource],
        "detail": detail,
    }


def _log_errors(do: Any, *arguments: Any) -> None:
    try:
        do(*arguments)
    except Exception:
        _log.exception("could not deliver an event")


def _object_created(bucket: Any, key: Any, reason: str) -> Json:
    made = {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), "sequencer": f"{time.time_ns():018X}"}
    if bucket.is_versioned:
        made["version-id"] = key.version_id
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": made,
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": reason,
    }
    return service_event("aws.s3", "Object Created", bucket.region_name, bucket.arn, detail)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
