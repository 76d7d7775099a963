"""The files and archives of a release of the job code, and the release's name.

A release is named by the hash of its files: the same code has the same name on every machine, and an object under
`artifacts/<release>/` never changes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

# Glue imports its modules from the zip (`--extra-py-files`); SageMaker unpacks a tar.gz.
ARCHIVES = ("glue.zip", "training.tar.gz", "inference.tar.gz")
# The oldest date that a zip can hold: a fixed date keeps the bytes the same.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def is_code(path: str) -> bool:
    """True for a file of a release: Python, or the description of how pip builds a folder of it."""
    return path.endswith(".py") or PurePosixPath(path).name == "pyproject.toml"


def job_files(include: Path) -> dict[str, bytes]:
    """The code below `include` by relative path, in a fixed order."""
    paths = sorted(path for path in include.rglob("*") if is_code(path.name) and "__pycache__" not in path.parts)
    return {path.relative_to(include).as_posix(): path.read_bytes() for path in paths}


def release_name(files: Mapping[str, bytes]) -> str:
    """The first twelve hex digits of the SHA-256 of these files, whatever order they come in."""
    digest = hashlib.sha256()
    for name in sorted(files, key=PurePosixPath):
        content = files[name]
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def artifacts(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The objects of a release by key below `artifacts/<release>/`: each file, then an archive per folder.

    The archives come last: once they are uploaded, the release is complete.
    """
    folders = {archive: _folder(files, archive.partition(".")[0]) for archive in ARCHIVES}
    return {**files, **{name: zipped(each) if name.endswith(".zip") else _tar(each) for name, each in folders.items()}}


def _folder(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {name.removeprefix(f"{folder}/"): each for name, each in files.items() if name.startswith(f"{folder}/")}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files; the same files give the same bytes."""
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
