"""S3's events through EventBridge's rules to functions and state machines, after the caller has had its answer.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import copy
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
from moto.events.utils import EventTemplateParser
from moto.stepfunctions.parser.asl.utils.json_path import extract_json

from localaws.cloud import ACCOUNT, Cloud
from localaws.event_pattern import PatternError, matches
from localaws.functions import Functions
from localaws.mend import mended
from localaws.wire import Json

# What S3 calls each way of making an object.
REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}

_log = logging.getLogger(__name__)


class Events:
    """Where S3 and PutEvents hand over an event. Nothing here raises: a target is none of the sender's business."""

    def __init__(self, cloud: Cloud, functions: Functions) -> None:
        self._cloud = cloud
        self._functions = functions
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._send_elsewhere = Rule.send_to_targets

    def close(self) -> None:
        """Deliver nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def mends(self) -> Iterator[None]:
        """moto's events, delivered by us for as long as the block lasts."""
        with ExitStack() as stack:
            # moto sends an incomplete event, before PutObject answers, to every bus; and swallows all errors.
            stack.enter_context(mended(moto.s3.notifications, "_send_event_bridge_message", self._object_changed))
            # moto runs the function in Docker, before PutObject answers.
            stack.enter_context(mended(moto.s3.notifications, "_invoke_awslambda", self._notify_function))
            # moto raises NotImplementedError for functions and state machines, ignores that a rule is disabled
            # and gives the time as a number.
            stack.enter_context(
                mended(Rule, "send_to_targets", lambda rule, event, *_, **__: self._send(rule, event)),
            )
            yield

    def _object_changed(self, account_id: str, bucket: Any, event_name: str, key: Any) -> None:  # noqa: ARG002
        # A str and an Enum at once: its value is the name.
        reason = REASONS.get(getattr(event_name, "value", event_name))
        # moto announces an upload in parts twice, as Put and as what it is.
        if reason and not (reason == "PutObject" and key.multipart):
            event = _object_created(bucket, key, reason)
            self._submit(self._put, event)

    def _put(self, event: Json) -> None:
        for rule in list(events_backends[ACCOUNT][self._cloud.region].event_buses["default"].rules.values()):
            self._send(rule, event)

    def _send(self, rule: Any, event: Json) -> None:
        pattern = rule.event_pattern.get_pattern()
        try:
            if rule.state != "ENABLED" or not pattern or not matches(pattern, event):
                return
        except PatternError as error:
            _log.error("rule %s: %s", rule.name, error)
            return
        if isinstance(event["time"], int | float):
            event = {**event, "time": _iso(event["time"])}
        for target in list(rule.targets):
            self._submit(self._deliver, rule, target, event)

    def _deliver(self, rule: Any, target: Json, event: Any) -> None:
        arn = target["Arn"]
        if ":lambda:" in arn:
            self._functions.later(arn, _input(target, event).encode())
        elif ":states:" in arn:
            machines = self._cloud.client("stepfunctions")
            machines.start_execution(stateMachineArn=arn, input=_input(target, event))
        else:
            # Queues, log groups and other buses are moto's.
            alone = copy.copy(rule)
            alone.targets = [target]
            self._send_elsewhere(alone, event)

    def _notify_function(self, account_id: str, event_body: Json, fn_arn: str, region_name: str) -> None:  # noqa: ARG002
        for each in event_body["Records"]:
            # S3 leaves the slashes of a key as they are when it encodes the rest.
            each["s3"]["object"]["key"] = each["s3"]["object"]["key"].replace("%2F", "/")
        self._functions.later(fn_arn, json.dumps(event_body).encode())

    def _submit(self, do: Any, *arguments: Any) -> None:
        try:
            self._pool.submit(_quietly, do, *arguments)
        except RuntimeError:
            _log.info("an event came too late: local AWS is being stopped")


def _quietly(do: Any, *arguments: Any) -> None:
    try:
        do(*arguments)
    except Exception:
        _log.exception("an event could not be delivered")


def _object_created(bucket: Any, key: Any, reason: str) -> Json:
    made = {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), "sequencer": f"{time.time_ns():018X}"}
    if bucket.is_versioned:
        made["version-id"] = key.version_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": _iso(time.time()),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": made,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": ACCOUNT,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        },
    }


def _input(target: Json, event: Any) -> str:
    """What the target gets of the event, as JSON."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(extract_json(target["InputPath"], event))
    if transformer := target.get("InputTransformer"):
        made = EventTemplateParser.parse(
            input_template=transformer["InputTemplate"],
            input_paths_map=transformer.get("InputPathsMap", {}),
            event=event,
        )
        return made if isinstance(made, str) else json.dumps(made)
    return json.dumps(event)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
