"""Writes and removes files by their URI's scheme, from any worker: `s3://` through boto3, `file://` and paths as files.

Beside Spark's own writers, for files that a worker has made whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from exact_csv.inputs import local_path, s3_client, s3_object

_COPIED = 1 << 20
_MOST_REMOVED = 1_000  # objects of one DeleteObjects


def write_file(uri: str, content: BinaryIO) -> None:
    """Writes `content` to `uri` in one step: an existing file is replaced, and is never visible in part.

    It closes `content`, as boto3 does.
    """
    content.seek(0)
    if place := s3_object(uri):
        s3_client().upload_fileobj(content, *place)
        return
    path = local_path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with content, unfinished.open("wb") as file:
        while piece := content.read(_COPIED):
            file.write(piece)
    unfinished.replace(path)


def files_below(folder: str) -> list[str]:
    """The URIs of all files in a folder and in the folders below it; none where there is no such folder.

    An empty object whose key is the folder's is Hadoop's marker of it, and no file.
    """
    if place := s3_object(folder):
        keys = [each["Key"] for each in _objects_below(*place)]
        return [f"s3://{place[0]}/{key}" for key in keys if not key.endswith("/")]
    return [str(path) for path in local_path(folder).rglob("*") if path.is_file()]


def remove_markers(folder: str) -> None:
    """Removes the empty objects by which S3A marks a folder and the folders in it, and no file."""
    if place := s3_object(folder):
        keys = [each["Key"] for each in _objects_below(*place) if not each["Size"]]
        remove_files([f"s3://{place[0]}/{key}" for key in keys if key.endswith("/")])


def data_files_below(folder: str) -> list[str]:
    """The URIs of the files below a folder that hold data.

    As for Spark, neither their names nor those of folders that they are in begin with `_` or `.`.
    """
    place = s3_object(folder)
    start = len(f"s3://{place[0]}/{place[1]}") if place else len(str(local_path(folder)))
    found = ((uri, uri[start:].lstrip("/").split("/")) for uri in files_below(folder))
    return [uri for uri, names in found if not any(name.startswith(("_", ".")) for name in names)]


def remove_files(uris: Sequence[str]) -> None:
    """Removes those of the files that exist.

    Raises:
        RuntimeError: S3 did not remove one of them.
    """
    by_bucket: dict[str, list[str]] = {}
    for uri in uris:
        if place := s3_object(uri):
            by_bucket.setdefault(place[0], []).append(place[1])
        else:
            local_path(uri).unlink(missing_ok=True)
    for bucket, keys in by_bucket.items():
        for start in range(0, len(keys), _MOST_REMOVED):
            doomed = [{"Key": key} for key in keys[start : start + _MOST_REMOVED]]
            answer = s3_client().delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
            for refused in answer.get("Errors", ()):  # the request as a whole succeeds nevertheless
                reason = f"{refused.get('Code')}: {refused.get('Message')}; allow s3:DeleteObject there, and run again"
                raise RuntimeError(f"s3://{bucket}/{refused.get('Key')} could not be removed: {reason}")


def _objects_below(bucket: str, folder: str) -> Iterator[dict[str, Any]]:
    # Not of a folder beside it whose name begins with this one's, as `results_account/` does with `results`.
    prefix = f"{folder.rstrip('/')}/"
    pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return (each for page in pages for each in page.get("Contents", ()))
