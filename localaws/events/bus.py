"""Events through EventBridge's rules to their targets, after the caller has had its answer.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import json
import logging
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import moto.s3.notifications
from moto.events.models import Rule, events_backends

from localaws.events.pattern import PatternError, matches
from localaws.events.targets import Targets
from localaws.lambdas.queue import FunctionQueue
from localaws.moto_patches.patch import replaced
from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import Json

# What S3 calls each way of making an object.
REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}

_log = logging.getLogger(__name__)


class Events:
    """Where services and PutEvents hand over an event. Nothing here raises: who hands over does not wait."""

    def __init__(self, region: str, targets: Targets, queue: FunctionQueue) -> None:
        self._region = region
        self._targets = targets
        self._queue = queue
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="events")

    @property
    def rules(self) -> list[Any]:
        """The default bus's, as moto has them."""
        return list(events_backends[ACCOUNT][self._region].event_buses["default"].rules.values())

    def close(self) -> None:
        """Deliver nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def put(self, event: Json) -> None:
        """Put a service's event on the default bus."""
        self._submit(self._put, event)

    def deliver(self, rule: Any, event: Json) -> None:
        """Give an event to a rule's targets, whatever the rule's pattern."""
        for target in list(rule.targets):
            self._submit(self._targets.deliver, rule, target, event)

    @contextmanager
    def mends(self) -> Iterator[None]:
        """moto's events, delivered by us for as long as the block lasts."""
        with ExitStack() as stack:
            # moto sends an incomplete event, before PutObject answers, to every bus; and swallows all errors.
            stack.enter_context(replaced(moto.s3.notifications, "_send_event_bridge_message", self._object_changed))
            # moto runs the function in Docker, before PutObject answers.
            stack.enter_context(replaced(moto.s3.notifications, "_invoke_awslambda", self._notify_function))
            # moto raises NotImplementedError for functions, state machines and topics, ignores that a rule is
            # disabled and gives the time as a number.
            stack.enter_context(
                replaced(Rule, "send_to_targets", lambda rule, event, *_, **__: self._send(rule, event)),
            )
            yield

    def _object_changed(self, account_id: str, bucket: Any, event_name: str, key: Any) -> None:  # noqa: ARG002
        # A str and an Enum at once: its value is the name.
        reason = REASONS.get(getattr(event_name, "value", event_name))
        # moto announces an upload in parts twice, as Put and as what it is.
        if reason and not (reason == "PutObject" and key.multipart):
            self.put(_object_created(bucket, key, reason))

    def _put(self, event: Json) -> None:
        for rule in self.rules:
            self._send(rule, event)

    def _send(self, rule: Any, event: Json) -> None:
        # moto's own note.
        event = {name: value for name, value in event.items() if name != "ingestion-time"}
        if isinstance(event["time"], int | float):
            event["time"] = _iso(event["time"])
        pattern = rule.event_pattern.get_pattern()
        try:
            if rule.state == "ENABLED" and pattern and matches(pattern, event):
                self.deliver(rule, event)
        except PatternError as error:
            _log.error("rule %s: %s", rule.name, error)

    def _notify_function(self, account_id: str, event_body: Json, fn_arn: str, region_name: str) -> None:  # noqa: ARG002
        for each in event_body["Records"]:
            # S3 leaves the slashes of a key as they are when it encodes the rest.
            each["s3"]["object"]["key"] = each["s3"]["object"]["key"].replace("%2F", "/")
        self._queue.put(fn_arn, json.dumps(event_body).encode())

    def _submit(self, do: Any, *arguments: Any) -> None:
        try:
            self._pool.submit(_quietly, do, *arguments)
        except RuntimeError:
            _log.info("an event came too late: local AWS is being stopped")


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


def _quietly(do: Any, *arguments: Any) -> None:
    try:
        do(*arguments)
    except Exception:
        _log.exception("an event could not be delivered")


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
