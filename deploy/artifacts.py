"""The job code of one release: what of `include/` becomes which object, and the release's name.

A release is named by the hash of its content, so the same code has the same name wherever it is built, and an
object under `artifacts/<release>/` never changes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LATEST = "artifacts/latest.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip can hold: archives carry no clock


def job_files(include: Path) -> dict[str, bytes]:
    """The Python files below `include`, by their path in it, in a fixed order."""
    paths = sorted(path for path in include.rglob("*.py") if "__pycache__" not in path.parts)
    return {path.relative_to(include).as_posix(): path.read_bytes() for path in paths}


def release_name(files: Mapping[str, bytes]) -> str:
    """Twelve hex digits that stand for exactly these files."""
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def artifacts(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a release consists of, by key below `artifacts/<release>/`: each file, and an archive a room.

    Glue takes its modules as `glue.zip` (`--extra-py-files`), SageMaker its code as `<room>.tar.gz`.
    """
    made = dict(files)
    made["glue.zip"] = zipped(_room(files, "glue"))
    for room in ("training", "inference"):
        made[f"{room}.tar.gz"] = _tar(_room(files, room))
    return made


def upload(s3: Any, bucket: str, include: Path) -> str:
    """Uploads the release of `include` and makes it the one that new plans use; returns its name."""
    files = job_files(include)
    release = release_name(files)
    for key, content in artifacts(files).items():
        s3.put_object(Bucket=bucket, Key=f"artifacts/{release}/{key}", Body=content)
    s3.put_object(Bucket=bucket, Key=LATEST, Body=json.dumps({"release": release}).encode())
    return release


def put_runbooks(s3: Any, bucket: str, pages: Path) -> None:
    """Uploads the page of each flow, which notifications link to."""
    for page in sorted(pages.glob("*.md")):
        s3.put_object(Bucket=bucket, Key=f"runbooks/{page.name}", Body=page.read_bytes(), ContentType="text/markdown")


def _room(files: Mapping[str, bytes], room: str) -> dict[str, bytes]:
    return {name.removeprefix(f"{room}/"): each for name, each in files.items() if name.startswith(f"{room}/")}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, by name; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
