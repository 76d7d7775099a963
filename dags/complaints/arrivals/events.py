"""What an event of S3 is about, and whether the object that it tells of is to be classified.

Events come more than once, late, in any order, and for whatever somebody puts into the bucket:
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

from complaints.runs.plans import InputObject, why_not_complaints
from complaints.settings import Storage

# Completes a batch, as Spark and Hadoop complete a folder.
BATCH_MARKER = "_SUCCESS"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


class ArrivalError(ValueError):
    """Nothing can be started for an event, however often it comes; the message says why, and what would be right."""


@dataclass(frozen=True)
class Arrival:
    """One version of one object. `version` is the version id, or the ETag where the bucket keeps no versions."""

    bucket: str
    key: str
    etag: str
    size: int
    version: str

    @property
    def execution_name(self) -> str:
        """The name of the one execution for it: of at most 80 letters, digits and hyphens, and readable."""
        identity = "|".join((self.bucket, self.key, self.version))
        stem = self.key.rstrip("/").removesuffix(f"/{BATCH_MARKER}").rpartition("/")[2].rpartition(".csv")
        slug = _NOT_IN_NAMES.sub("-", stem[0] or stem[2])[:40].strip("-")
        return f"{slug}-{hashlib.sha256(identity.encode()).hexdigest()[:32]}".lstrip("-")

    def source(self, storage: Storage) -> dict[str, str]:
        """The input of its execution: the one object as it is now, or the batch that it completes."""
        if self.key.startswith(storage.batches):
            return {"source": self.key.removesuffix(BATCH_MARKER)}
        return {"source": self.key, "etag": self.etag}


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
    """The objects that an event tells of: one of EventBridge, or the records of a notification of S3.

    Raises:
        ArrivalError: it is neither; the message names what is wrong with it.
    """
    try:
        if "Records" in event:
            records = _Notification.model_validate(event).records
            # Only notifications encode keys, as forms do; EventBridge has them as they are.
            return [_arrival(each.s3.bucket.name, unquote_plus(each.s3.object.key), each.s3.object) for each in records]
        detail = _ObjectCreated.model_validate(event).detail
        return [_arrival(detail.bucket.name, detail.object.key, detail.object)]
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ArrivalError(f"not an event of S3's Object Created: {problems}") from None


def _arrival(bucket: str, key: str, told: _Object | _Notified) -> Arrival:
    etag = told.etag.strip('"')
    # "null" is the version of what was put while the bucket kept none.
    version = told.version if told.version not in ("", "null") else etag
    return Arrival(bucket, key, etag, told.size, version)


def why_ignored(arrival: Arrival, storage: Storage) -> str | None:
    """Why nothing is to be started for an object; None where an execution is.

    Raises:
        ArrivalError: it lies where complaints are expected, but its name may not be read.
    """
    if arrival.bucket != storage.bucket:
        return f"of bucket {arrival.bucket}, not {storage.bucket}"
    if not arrival.key.startswith(storage.raw):
        return f"not below {storage.raw}"
    if arrival.key.startswith(storage.batches):
        folder, _, name = arrival.key.removeprefix(storage.batches).rpartition("/")
        if name != BATCH_MARKER or not folder:
            return f"part of a batch, which starts when its {BATCH_MARKER} arrives"
    elif reason := why_not_complaints(InputObject("", arrival.key, arrival.etag, arrival.size)):
        return reason
    if not re.fullmatch(Storage.source_pattern(storage.raw), arrival.key):
        raise ArrivalError(f"{arrival.key!r} may not be read: rename it to match {Storage.source_pattern(storage.raw)}")
    return None
