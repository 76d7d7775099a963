"""The events of S3: the objects that arrived, and whether each is a file of complaints.

Events may come twice, late and in any order, and for any object in the bucket:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from complaints.aws.objects import ObjectVersion, known_version
from complaints.runs.inputs import why_not_complaints
from complaints.settings import Storage

# The object that completes a batch, like the one that completes a folder of Spark and Hadoop.
BATCH_MARKER = "_SUCCESS"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


class ArrivalError(ValueError):
    """An event that can never start anything; the message says why, and how to fix it."""


@dataclass(frozen=True)
class Arrival:
    """An object that arrived in a bucket. One that comes from an event has no `last_modified`."""

    bucket: str
    object: ObjectVersion

    @property
    def key(self) -> str:
        """The object's key."""
        return self.object.key

    @property
    def identity(self) -> str:
        """The id of the version or, in a bucket without versions, the ETag.

        The marker of a batch is always empty, so its ETag is followed by its time: together they identify a delivery.
        """
        if self.object.version_id:
            return self.object.version_id
        is_marker = self.key.rpartition("/")[2] == BATCH_MARKER
        # In seconds: HeadObject has no fractions, which a listing may have.
        return f"{self.object.etag}@{self.object.last_modified[:19]}" if is_marker else self.object.etag

    @property
    def execution_name(self) -> str:
        """The name of its only execution: readable, with at most 80 letters, digits and hyphens."""
        identity = "|".join((self.bucket, self.key, self.identity))
        stem = self.key.rstrip("/").removesuffix(f"/{BATCH_MARKER}").rpartition("/")[2].rpartition(".csv")
        slug = _NOT_IN_NAMES.sub("-", stem[0] or stem[2])[:40].strip("-")
        return f"{slug}-{hashlib.sha256(identity.encode()).hexdigest()[:32]}".lstrip("-")

    def source(self, storage: Storage) -> dict[str, str]:
        """The input of its execution: this version of the object, or the batch that it completes."""
        if self.key.startswith(storage.batches):
            return {"source": self.key.removesuffix(BATCH_MARKER)}
        return {"source": self.key, "etag": self.object.etag}


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Named(_Event):
    name: Annotated[str, Field(min_length=1)]


class _Object(_Event):
    key: Annotated[str, Field(min_length=1, max_length=1024)]
    size: Annotated[int, Field(ge=0)] = 0
    etag: str = ""
    version: Annotated[str, Field(alias="version-id")] = ""


class _Detail(_Event):
    bucket: _Named
    object: _Object


class _ObjectCreated(_Event):
    source: Literal["aws.s3"]
    kind: Annotated[Literal["Object Created"], Field(alias="detail-type")]
    detail: _Detail


class _Notified(_Event):
    key: Annotated[str, Field(min_length=1)]
    size: Annotated[int, Field(ge=0)] = 0
    etag: Annotated[str, Field(alias="eTag")] = ""
    version: Annotated[str, Field(alias="versionId")] = ""


class _S3(_Event):
    bucket: _Named
    object: _Notified


class _Record(_Event):
    source: Annotated[Literal["aws:s3"], Field(alias="eventSource")]
    name: Annotated[str, Field(alias="eventName", pattern=r"^ObjectCreated:")]
    s3: _S3


class _Notification(_Event):
    records: Annotated[list[_Record], Field(alias="Records", min_length=1)]


def arrivals_of(event: Mapping[str, Any]) -> list[Arrival]:
    """The objects of an event: one in an event of EventBridge, one a record in a notification of S3.

    Raises:
        ArrivalError: it is neither; the message lists what is wrong with it.
    """
    try:
        if "Records" in event:
            records = _Notification.model_validate(event).records
            # Only notifications encode keys, like HTML forms do.
            return [_arrival(each.s3.bucket.name, unquote_plus(each.s3.object.key), each.s3.object) for each in records]
        detail = _ObjectCreated.model_validate(event).detail
        return [_arrival(detail.bucket.name, detail.object.key, detail.object)]
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ArrivalError(f"not an Object Created event of S3: {problems}") from None


def _arrival(bucket: str, key: str, found: _Object | _Notified) -> Arrival:
    version = ObjectVersion(key, found.etag.strip('"'), found.size, version_id=known_version(found.version))
    return Arrival(bucket, version)


def why_ignored(arrival: Arrival, storage: Storage) -> str | None:
    """The reason why an object starts nothing; None if it starts an execution.

    Raises:
        ArrivalError: it is where complaints are expected, but no run may read its name.
    """
    if arrival.bucket != storage.bucket:
        return f"in bucket {arrival.bucket}, not {storage.bucket}"
    if not arrival.key.startswith(storage.raw):
        return f"not below {storage.raw}"
    if arrival.key.startswith(storage.batches):
        folder, _, name = arrival.key.removeprefix(storage.batches).rpartition("/")
        if name != BATCH_MARKER or not folder:
            return f"part of a batch, which starts when its {BATCH_MARKER} arrives"
    elif reason := why_not_complaints(arrival.object, storage.raw):
        return reason
    if not re.fullmatch(Storage.source_pattern(storage.raw), arrival.key):
        raise ArrivalError(f"{arrival.key!r} may not be read: rename it to match {Storage.source_pattern(storage.raw)}")
    return None
