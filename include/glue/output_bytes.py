"""Writes and removes files by their URI's scheme, from any worker: `s3://` through boto3, `file://` and paths as files.

Beside Spark's own writers, for files that a worker has made whole: a row that goes to the JVM to be written there costs
several times what it costs to parse it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

_COPIED = 1 << 20
_MOST_REMOVED = 1_000  # objects of one DeleteObjects
_TRANSFER = TransferConfig(use_threads=False)


def write_file(uri: str, content: BinaryIO) -> None:
    """Puts all of `content` where `uri` points, in one step: what stood there is replaced, and nobody sees a part."""
    content.seek(0)
    if place := _object(uri):
        _s3().upload_fileobj(content, *place, Config=_TRANSFER)
        return
    path = _path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with unfinished.open("wb") as file:
        while piece := content.read(_COPIED):
            file.write(piece)
    unfinished.replace(path)


def remove_files(uris: Sequence[str]) -> None:
    """Removes the files, as far as they are there."""
    by_bucket: dict[str, list[str]] = {}
    for uri in uris:
        if place := _object(uri):
            by_bucket.setdefault(place[0], []).append(place[1])
        else:
            _path(uri).unlink(missing_ok=True)
    for bucket, keys in by_bucket.items():
        for start in range(0, len(keys), _MOST_REMOVED):
            doomed = [{"Key": key} for key in keys[start : start + _MOST_REMOVED]]
            _s3().delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})


def _object(uri: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"s3[an]?://([^/]+)/(.+)", uri, re.DOTALL)
    return (found[1], found[2]) if found else None


def _path(uri: str) -> Path:
    return Path(re.sub("^file:(//)?(?=/)", "", uri))


def _s3() -> Any:
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 10}))
