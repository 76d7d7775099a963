"""The bucket of an environment: JSON documents with conditional writes, listings, copies.

With `If-None-Match` and `If-Match`, S3 lets one of two concurrent writers win; the other gets a `ConflictError`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from complaints.aws.objects import ObjectVersion

_LOST = {"PreconditionFailed", "ConditionalRequestConflict"}
# Enough to see a file behind the markers that Spark and S3A leave in a folder.
_FIRST_KEYS = 50


class ConflictError(RuntimeError):
    """Another writer changed the object first: read it again, and decide again."""


class Bucket:
    """One S3 bucket, through a boto3 client that the entry point made."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def objects(self, prefix: str) -> Iterator[ObjectVersion]:
        """Every object below `prefix`, sorted by key; without version ids."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return (ObjectVersion.listed(entry) for page in pages for entry in page.get("Contents", []))

    def has_objects(self, uri: str) -> bool:
        """True if a job has written data at or below an `s3://` URI of this bucket.

        Markers do not count: an object without bytes, or with a name or a folder below the URI that begins with `_` or
        `.`. S3A makes such objects when a write starts, so after a crash they may be all that is there.
        """
        prefix = self.key(uri)
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=_FIRST_KEYS)
        return any(_is_data(ObjectVersion.listed(each), prefix) for each in found.get("Contents", []))

    def data_objects(self, uri: str) -> Iterator[ObjectVersion]:
        """The objects at or below an `s3://` URI that hold data, as `has_objects` counts them, sorted by key."""
        prefix = self.key(uri)
        return (each for each in self.objects(prefix) if _is_data(each, prefix))

    def current_versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """Every object below `prefix` in its current version; needs s3:ListBucketVersions.

        A deleted object is left out, although a bucket that keeps versions still has its old ones.
        """
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix)
        found = (entry for page in pages for entry in page.get("Versions", []))
        return (ObjectVersion.listed(entry) for entry in found if entry["IsLatest"])

    def current_version(self, key: str) -> ObjectVersion | None:
        """The object at `key` in its current version; None where there is none."""
        try:
            return ObjectVersion.headed(key, self.client.head_object(Bucket=self.name, Key=key))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return None
            raise

    def read_json(self, key: str) -> Any | None:
        """The JSON document at `key`; None where there is none."""
        return self.read_json_and_etag(key)[0]

    def read_json_and_etag(self, key: str) -> tuple[Any | None, str | None]:
        """The JSON document at `key` and the ETag to pass to `write_json` as `if_match`."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None, None
        return json.loads(answer["Body"].read()), answer["ETag"]

    def write_json(self, key: str, document: Any, *, if_absent: bool = False, if_match: str | None = None) -> None:
        """Writes `document` at `key`; with a condition, only if nobody else has written it.

        Raises:
            ConflictError: the condition does not hold.
        """
        condition = {"IfNoneMatch": "*"} if if_absent else {"IfMatch": if_match} if if_match else {}
        body = json.dumps(document, indent=2, sort_keys=True).encode()
        try:
            self.client.put_object(Bucket=self.name, Key=key, Body=body, ContentType="application/json", **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST:
                raise ConflictError(f"s3://{self.name}/{key} was changed by another writer in the meantime") from error
            raise

    def read_text(self, key: str) -> str | None:
        """The text at `key`; None where there is none."""
        try:
            body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        return body.decode(errors="replace")

    def mark(self, key: str) -> bool:
        """Writes an empty object at `key`, unless there is one; False if there is."""
        try:
            self.client.put_object(Bucket=self.name, Key=key, Body=b"", IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST:
                return False
            raise
        return True

    def write_text(self, key: str, text: str, content_type: str) -> None:
        """Writes `text` at `key`."""
        self.client.put_object(
            Bucket=self.name, Key=key, Body=text.encode(), ContentType=f"{content_type}; charset=utf-8"
        )

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of the object's bytes, in hex; None where there is no such object."""
        found = self.sha256_and_etag(key)
        return found[0] if found else None

    def sha256_and_etag(self, key: str) -> tuple[str, str] | None:
        """The object's SHA-256 and the ETag of the bytes that were hashed; None where there is no such object."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        digest = hashlib.sha256()
        for piece in answer["Body"].iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest(), answer["ETag"]

    def last_modified(self, key: str) -> str:
        """The time at which the object was written, by S3's clock, in ISO 8601 and UTC."""
        found: str = self.client.head_object(Bucket=self.name, Key=key)["LastModified"].isoformat()
        return found

    def copy(self, source: str, target: str, *, if_match: str | None = None) -> None:
        """Copies an object of up to 5 GB within the bucket by CopyObject; with an ETag, only if the source has it.

        Raises:
            ConflictError: the source was changed in the meantime.
        """
        condition = {"CopySourceIfMatch": if_match} if if_match else {}
        origin = {"Bucket": self.name, "Key": source}
        try:
            self.client.copy_object(Bucket=self.name, Key=target, CopySource=origin, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST:
                raise ConflictError(f"s3://{self.name}/{source} was changed in the meantime") from error
            raise

    def key(self, uri: str) -> str:
        """The key of an `s3://` URI of this bucket.

        Raises:
            ValueError: the URI names another bucket, or is not an S3 URI.
        """
        start = f"s3://{self.name}/"
        if not uri.startswith(start):
            raise ValueError(f"{uri!r} is not in this environment's bucket; expected a URI that begins with {start!r}")
        return uri.removeprefix(start)


def _is_data(version: ObjectVersion, prefix: str) -> bool:
    """True if an object has bytes, and neither its name nor a folder of it below `prefix` marks it as temporary."""
    # The prefix may end within a name, so the part after its last slash counts as below it.
    below = version.key.removeprefix(prefix[: prefix.rfind("/") + 1])
    return bool(version.size) and not any(part.startswith(("_", ".")) for part in below.split("/"))
