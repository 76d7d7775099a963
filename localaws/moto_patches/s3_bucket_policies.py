"""S3's bucket policies, with their conditions.

moto 5.2.5 passes over the conditions of a bucket policy: a statement that denies unencrypted connections, or writes
without If-None-Match, denies everything. It takes the completion of an upload in parts for an action PostObject.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import has_request_context, request
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket

from localaws.iam.evaluation import Request, decide
from localaws.moto_patches.replacement import replaced


class BucketPolicyError(S3ClientError):
    """A request that the bucket's policy denies."""

    code = 403  # type: ignore[assignment]  # as moto has it: the status, not the name

    def __init__(self, sid: str) -> None:
        super().__init__("AccessDenied", f"Access Denied: an explicit deny in a resource-based policy ({sid})")


@contextmanager
def patches() -> Iterator[None]:
    """moto's buckets deny what their policies deny."""
    with replaced(FakeBucket, {"get_permission": _permission}):
        yield


def _permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    if bucket.policy is None or not has_request_context():
        return PermissionResult.NEUTRAL
    called = Request(*_as_iam_names_it(action, resource), context=write_context(dict(request.headers), request.args))
    allowed, statement = decide([json.loads(bucket.policy)], called)
    if allowed is None:
        return PermissionResult.NEUTRAL
    if allowed:
        return PermissionResult.PERMITTED
    if "delete" in request.args:
        # Of several objects: moto answers for each of them.
        return PermissionResult.DENIED
    raise BucketPolicyError((statement or {}).get("Sid", "a statement without Sid"))


def _as_iam_names_it(action: str, resource: str) -> tuple[str, str]:
    names = {"s3:PostObject": "s3:PutObject", "s3:HeadObject": "s3:GetObject"}
    return names.get(action, action), resource


def write_context(headers: Mapping[str, str], arguments: Mapping[str, str]) -> dict[str, Any]:
    """The condition keys of a request. Local AWS, reached through loopback, counts as an encrypted connection."""
    found: dict[str, Any] = {"aws:SecureTransport": "true"}
    for key, header in {"s3:if-none-match": "If-None-Match", "s3:if-match": "If-Match"}.items():
        if header in headers:
            found[key] = headers[header]
    # The parts of an upload, and its beginning, cannot have conditions; its completion creates the object.
    found["s3:ObjectCreationOperation"] = str("partNumber" not in arguments and "uploads" not in arguments).lower()
    return found
