"""The download of a resource to an object in S3, in parts, with a line of progress each few seconds.

Memory holds one part. A download that breaks off leaves its parts in S3; the next one of that version goes on there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from export_download.addresses import DownloadRefusedError
from export_download.multipart import PART_BYTES, Upload
from export_download.source import ChangedError, Source, Version

_STARTS = 3  # from the beginning, where the resource changes meanwhile
_PROGRESS_SECONDS = 5


class Downloaded(NamedTuple):
    """A version of the resource in S3: the id of the export, the object's key, its ETag and VersionId (or "")."""

    export: str
    version: Version
    key: str
    etag: str
    version_id: str


def download(
    source: Source, s3: Any, bucket: str, prefix: str, *, max_bytes: int, part_bytes: int = PART_BYTES
) -> Downloaded:
    """Downloads the version that the server has now to `<prefix><export>/<name>`, unless it is there.

    Raises:
        DownloadRefusedError: the server refuses, the resource is too large, or changes each time.
    """
    for _ in range(_STARTS):
        version = source.version()
        if not 0 < version.length <= max_bytes:
            raise DownloadRefusedError(
                f"{source.url} has {version.length:,} bytes: expected more than none, and at most "
                f"{max_bytes // 1_000_000:,} MB (limits.max_file_mb in pipeline_config.yaml)"
            )
        export = export_id(version)
        key = f"{prefix}{export}/{source.url.partition('?')[0].rstrip('/').rpartition('/')[2]}"
        if (found := _stored(s3, bucket, key, version)) is None:
            upload = Upload(s3, bucket, key, part_bytes)
            try:
                _fill(upload, source, version)
            except ChangedError as error:
                print(f"{error}: starting again", flush=True)
                upload.abort()
                continue
            upload.complete()
            print(f"stored s3://{bucket}/{key}", flush=True)
            found = _stored(s3, bucket, key, version)
        if found is None:
            raise DownloadRefusedError(
                f"s3://{bucket}/{key} does not have the {version.length:,} bytes of {source.url}"
            )
        return Downloaded(export, version, key, found[0], found[1])
    raise DownloadRefusedError(f"{source.url} changed {_STARTS} times while it was downloaded; try again later")


def export_id(version: Version) -> str:
    """The id of a version: the day it was made, if that is known, and a hash of what identifies it."""
    digest = hashlib.sha256(f"{version.etag}|{version.last_modified}|{version.length}".encode()).hexdigest()[:10]
    try:
        return f"{parsedate_to_datetime(version.last_modified):%Y-%m-%d}-{digest}"
    except (TypeError, ValueError):
        return digest


def _fill(upload: Upload, source: Source, version: Version) -> None:
    """Adds all parts that are missing."""
    if upload.offset:
        print(f"taking up the download at byte {upload.offset:,} of {version.length:,}", flush=True)
    pieces = _with_progress(source.pieces(version, upload.offset), upload.offset, version.length)
    part = bytearray()
    for piece in pieces:
        part += piece
        while len(part) >= upload.part_bytes:
            upload.add(bytes(part[: upload.part_bytes]))
            del part[: upload.part_bytes]
    if part:
        upload.add(bytes(part))


def _with_progress(pieces: Iterator[bytes], done: int, length: int) -> Iterator[bytes]:
    begun, first, last = time.monotonic(), done, time.monotonic()
    for piece in pieces:
        done += len(piece)
        yield piece
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS or done == length:
            last, rate = now, (done - first) / max(now - begun, 0.001)
            left = f", {(length - done) / rate:,.0f} s left" if done < length else ""
            print(
                f"downloaded {done / 1e6:,.0f} of {length / 1e6:,.0f} MB ({done / length:.0%}), "
                f"{rate / 1e6:,.1f} MB/s{left}",
                flush=True,
            )


def _stored(s3: Any, bucket: str, key: str, version: Version) -> tuple[str, str] | None:
    """The ETag and the VersionId of the object, if it is complete."""
    try:
        answer = s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return None
        raise
    if answer["ContentLength"] != version.length:
        return None
    version_id = answer.get("VersionId")
    return answer["ETag"].strip('"'), "" if version_id in (None, "null") else version_id
