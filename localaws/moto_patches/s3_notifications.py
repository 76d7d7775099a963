"""S3's notifications to EventBridge and to Lambda.

moto 5.2.5 sends EventBridge an event that differs from S3's: `eTag`, a version id without versioning, the time as a
number, no reason such as PutObject. It does so before PutObject answers, swallows all errors, and reports an upload in
parts twice, as Put and as what it is. It does not tell whether a bucket sends its events to EventBridge. It runs a
notified function in Docker, also before PutObject answers, and encodes the slashes of the key, which S3 leaves.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import moto.s3.notifications
from moto.s3.responses import S3Response

from localaws.moto_patches.replacement import replaced
from localaws.server.protocol import Json

_EVENTS = "<EventBridgeConfiguration/>"
# What the event calls each way of creating an object.
REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}


@contextmanager
def patches(created: Callable[[Any, Any, str], None], notified: Callable[[str, Json], None]) -> Iterator[None]:
    """Calls `created` with bucket, object and reason, and `notified` with a function's ARN and its event."""

    def send_event_bridge_message(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:  # noqa: ARG001
        # A str and an Enum at once: its value is the name.
        reason = REASONS.get(getattr(event_name, "value", event_name))
        if reason and not (reason == "PutObject" and key.multipart):
            created(bucket, key, reason)

    def invoke_awslambda(account_id: str, event_body: Json, fn_arn: str, region_name: str) -> None:  # noqa: ARG001
        for each in event_body["Records"]:
            each["s3"]["object"]["key"] = each["s3"]["object"]["key"].replace("%2F", "/")
        notified(fn_arn, event_body)

    replacements = {"_send_event_bridge_message": send_event_bridge_message, "_invoke_awslambda": invoke_awslambda}
    reading = {"get_bucket_notification": _with_event_bridge(S3Response.get_bucket_notification)}
    with replaced(moto.s3.notifications, replacements), replaced(S3Response, reading):
        yield


def _with_event_bridge(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def get_bucket_notification(response: Any) -> Any:
        status, headers, body = original(response)
        configuration = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if configuration and configuration.event_bridge is not None:
            # moto's answer is one empty element, or ends with the root's end.
            whole = re.sub(r"(<NotificationConfiguration[^>]*?)/>$", r"\1></NotificationConfiguration>", body)
            body = whole.replace("</NotificationConfiguration>", f"{_EVENTS}</NotificationConfiguration>")
        return status, headers, body

    return get_bucket_notification
