"""S3's conditional writes: the check and the write are one step, for every operation that takes a condition.

moto 5.2.5 checks `If-Match` and `If-None-Match` first and writes later, so that several writers of one key pass the
same check. It ignores both headers in CopyObject, `If-Match` in CompleteMultipartUpload, and the ETags of single keys
in DeleteObjects; to DeleteObject an `If-Match` of `*` is an ETag. On S3 exactly one writer wins, and the others get 412
PreconditionFailed, in DeleteObjects as the error of the key.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html

Unconditional writes take the same lock: one between a check and its write would be lost.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import RLock
from typing import Any

import xmltodict  # type: ignore[import-untyped]
from moto.core.responses import ActionResult
from moto.s3.exceptions import MissingKey, PreconditionFailed
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response
from werkzeug.datastructures import Headers

from localaws.moto_patches.replacement import replaced

# A lock for every key would need to be removed again; keys that share a lock only wait for each other.
LOCKS = 64


@contextmanager
def patches() -> Iterator[None]:
    """Makes moto's writes atomic."""
    # Reentrant: an operation takes the lock before its check, and the backend again, for writes by other operations
    # (POST forms, DeleteObjects).
    locks = tuple(RLock() for _ in range(LOCKS))

    def lock(bucket: str, key: str) -> Any:
        return locks[hash((bucket, key)) % LOCKS]

    def operation(original: Callable[..., Any]) -> Callable[..., Any]:
        def locked(response: Any, *arguments: Any, **named: Any) -> Any:
            with lock(response.bucket_name, response.parse_key_name()):
                return original(response, *arguments, **named)

        return locked

    def write(original: Callable[..., Any]) -> Callable[..., Any]:
        def locked(backend: Any, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
            with lock(bucket_name, key_name):
                return original(backend, bucket_name, key_name, *arguments, **named)

        return locked

    operations = {
        "put_object": S3Response.put_object,
        "copy_object": _conditional_copy(S3Response.copy_object),
        "delete_object": _conditional_deletion(S3Response.delete_object),
        # CompleteMultipartUpload, which moto does not have as a method.
        "_key_response_post": _conditional_completion(S3Response._key_response_post),
    }
    writes: dict[str, Callable[..., Any]] = {
        "put_object": S3Backend.put_object,
        "delete_object": S3Backend.delete_object,
    }
    with ExitStack() as stack:
        stack.enter_context(replaced(S3Response, {name: operation(each) for name, each in operations.items()}))
        stack.enter_context(replaced(S3Backend, {name: write(each) for name, each in writes.items()}))
        stack.enter_context(
            replaced(
                S3Response,
                {"_bucket_response_delete_keys": _conditional_deletions(S3Response._bucket_response_delete_keys, lock)},
            )
        )
        yield


def _conditional_deletions(original: Callable[..., Any], lock: Callable[[str, str], Any]) -> Callable[..., Any]:
    """DeleteObjects, where the request gives ETags: one key after the other, its check and its deletion in one step."""

    def delete_keys(response: Any, bucket_name: str, authenticated: bool = True) -> Any:
        objects = xmltodict.parse(response.body, strip_whitespace=False, force_list=("Object",))["Delete"]
        conditional = [each for each in objects.get("Object", ()) if each.get("ETag")]
        if not (authenticated and conditional):
            return original(response, bucket_name, authenticated)
        deleted, errors = list[dict[str, Any]](), list[dict[str, Any]]()
        for each in objects["Object"]:
            key, version, etag = each["Key"], each.get("VersionId"), each.get("ETag", "").strip('"')
            with lock(bucket_name, key):
                found = response.backend.get_object(bucket_name, key)
                if etag and found is None:
                    errors.append({"Key": key, "Code": "NoSuchKey", "Message": "The specified key does not exist."})
                elif etag and etag not in ("*", found.etag.strip('"')):
                    errors.append({"Key": key, "Code": "PreconditionFailed", "Message": PreconditionFailed("").message})
                else:
                    response.backend.delete_object(bucket_name, key, version_id=version)
                    deleted.append({"Key": key, "VersionId": version})
        response.data["Action"] = "DeleteObjects"
        return response.serialized(ActionResult({"Deleted": deleted, "Errors": errors}))

    return delete_keys


def _conditional_copy(original: Callable[..., Any]) -> Callable[..., Any]:
    def copy_object(response: Any) -> Any:
        _check_if_match(response)
        _check_if_none_match(response)
        return original(response)

    return copy_object


def _conditional_deletion(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_object(response: Any) -> Any:
        _check_if_match(response)
        if response.headers.get("If-Match", "").strip('"') == "*":
            # moto would compare it with the ETag.
            response.headers = Headers([each for each in response.headers.items() if each[0].lower() != "if-match"])
        return original(response)

    return delete_object


def _conditional_completion(original: Callable[..., Any]) -> Callable[..., Any]:
    def key_response_post(response: Any, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str) -> Any:
        if "uploadId" in query and not _is_completed(response, query["uploadId"][0]):
            _check_if_match(response)
        return original(response, request, body, bucket_name, query, key_name)

    return key_response_post


def _is_completed(response: Any, upload_id: str) -> bool:
    """True if the upload was completed before: S3 answers a repeated request as it did the first."""
    found = _current(response)
    return found is not None and bool(found.multipart) and found.multipart.id == upload_id


def _check_if_match(response: Any) -> None:
    expected = response.headers.get("If-Match")
    if not expected:
        return
    found = _current(response)
    if found is None:
        raise MissingKey(key=response.parse_key_name())
    if expected.strip('"') not in ("*", found.etag.strip('"')):
        raise PreconditionFailed("If-Match")


def _check_if_none_match(response: Any) -> None:
    if response.headers.get("If-None-Match") == "*" and _current(response) is not None:
        raise PreconditionFailed("If-None-Match")


def _current(response: Any) -> Any:
    return response.backend.get_object(response.bucket_name, response.parse_key_name())
