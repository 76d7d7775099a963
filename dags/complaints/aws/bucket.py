"""The bucket of an environment: JSON documents with conditional writes, listings, copies.

S3's `If-None-Match` and `If-Match` make a write a decision: of two writers one wins, and the other is told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from complaints.runs.plans import InputObject

_LOST = {"PreconditionFailed", "ConditionalRequestConflict"}


class ConflictError(RuntimeError):
    """Somebody else wrote the object first; read it again and decide anew."""


class Bucket:
    """One S3 bucket, through a boto3 client that the entry point made."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def objects(self, prefix: str) -> Iterator[InputObject]:
        """Every object below `prefix`, in the order of their keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                modified = entry["LastModified"].isoformat()
                yield InputObject(modified, entry["Key"], entry["ETag"].strip('"'), entry["Size"])

    def has_objects(self, uri: str) -> bool:
        """Whether anything lies at or below an `s3://` URI of this bucket."""
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=self.key(uri), MaxKeys=1)
        return bool(found.get("Contents"))

    def current_versions(self, prefix: str) -> Iterator[InputObject]:
        """Every object below `prefix` with the id of its current version; needs s3:ListBucketVersions.

        What was deleted is not there, though a bucket that keeps versions still has it.
        """
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            for entry in page.get("Versions", []):
                if entry["IsLatest"]:
                    modified, etag = entry["LastModified"].isoformat(), entry["ETag"].strip('"')
                    # "null" is the version of what was put while the bucket kept none.
                    version = entry["VersionId"] if entry["VersionId"] != "null" else ""
                    yield InputObject(modified, entry["Key"], etag, entry["Size"], version)

    def read_json(self, key: str) -> Any | None:
        """The JSON document at `key`; None where there is no such object."""
        return self.read_json_and_etag(key)[0]

    def read_json_and_etag(self, key: str) -> tuple[Any | None, str | None]:
        """The JSON document at `key` and the ETag to pass to `write_json` as `if_match`."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None, None
        return json.loads(answer["Body"].read()), answer["ETag"]

    def write_json(self, key: str, document: Any, *, if_absent: bool = False, if_match: str | None = None) -> None:
        """Writes `document` at `key`; with a condition, only if nobody wrote in between.

        Raises:
            ConflictError: the condition does not hold.
        """
        condition = {"IfNoneMatch": "*"} if if_absent else {"IfMatch": if_match} if if_match else {}
        body = json.dumps(document, indent=2, sort_keys=True).encode()
        try:
            self.client.put_object(Bucket=self.name, Key=key, Body=body, ContentType="application/json", **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST:
                raise ConflictError(f"s3://{self.name}/{key} was written by somebody else meanwhile") from error
            raise

    def sha256(self, key: str) -> str | None:
        """The SHA-256 of the object's bytes, in hex; None where there is no such object."""
        found = self.sha256_and_etag(key)
        return found[0] if found else None

    def sha256_and_etag(self, key: str) -> tuple[str, str] | None:
        """The object's SHA-256, read in pieces, and the ETag of what was read; None where there is no such object."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        digest = hashlib.sha256()
        for piece in answer["Body"].iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest(), answer["ETag"]

    def last_modified(self, key: str) -> str:
        """When the object was written, by S3's clock, in ISO 8601 and UTC."""
        found: str = self.client.head_object(Bucket=self.name, Key=key)["LastModified"].isoformat()
        return found

    def copy(self, source: str, target: str, *, if_match: str | None = None) -> None:
        """Copies an object of up to 5 GB within the bucket, on the side of S3; with an ETag, only what has it.

        Raises:
            ConflictError: the source was written meanwhile.
        """
        condition = {"CopySourceIfMatch": if_match} if if_match else {}
        origin = {"Bucket": self.name, "Key": source}
        try:
            self.client.copy_object(Bucket=self.name, Key=target, CopySource=origin, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST:
                raise ConflictError(f"s3://{self.name}/{source} was written by somebody else meanwhile") from error
            raise

    def key(self, uri: str) -> str:
        """The key of an `s3://` URI of this bucket.

        Raises:
            ValueError: the URI is of another bucket, or none at all.
        """
        start = f"s3://{self.name}/"
        if not uri.startswith(start):
            raise ValueError(f"{uri!r} is not in this environment's bucket: it would begin with {start!r}")
        return uri.removeprefix(start)
