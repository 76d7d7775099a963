"""Unpacks a `model.tar.gz` only where it is the one that was meant, and only what a model consists of.

Everything is checked before anything is written. `tarfile`'s filter alone would not do: it unpacks absolute names as
relative ones, and links and any number of files: https://docs.python.org/3/library/tarfile.html#tarfile.data_filter
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from pathlib import Path, PurePosixPath

# All that a model's archive holds; the serving code checks the files themselves.
FILES = ("signature.json", "vocabulary.json", "weights.npz", "issues.npz")
MAX_MEMBERS = 20
MAX_EXPANDED_MB = 1024
_MB = 1 << 20


class ModelRefusedError(ValueError):
    """The archive is not the model that was meant, or no model at all; the message says why."""


def check_digest(archive: Path, sha256: str) -> None:
    """Refuses an archive that is not the one with this SHA-256.

    Raises:
        ModelRefusedError: it is another one; the message has both digests.
    """
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelRefusedError(
            f"{archive.name} has SHA-256 {found}, but the model that was trained has {sha256}: "
            "it was changed or cut on the way; run train_model again"
        )


def unpack(archive: Path, folder: Path, *, max_members: int = MAX_MEMBERS, max_mb: int = MAX_EXPANDED_MB) -> None:
    """Unpacks a sound archive into `folder`; of another one, nothing.

    Raises:
        ModelRefusedError: the archive is none or cut, it is too large, or a member does not belong; it is named.
    """
    last = "its beginning"
    try:
        with _Opened(archive, max_mb) as content, tarfile.open(fileobj=content, mode="r|") as tar:
            for number, member in enumerate(tar):
                last = repr(member.name)
                if number >= max_members:
                    raise ModelRefusedError(f"{archive.name}: {last} is one too many: {max_members} members may be")
                if wrong := _why_refused(member):
                    raise ModelRefusedError(f"{archive.name}: {last} {wrong}")
                _read_through(tar, member)
        with _Opened(archive, max_mb) as content, tarfile.open(fileobj=content, mode="r|") as tar:
            # Where there is one: Debian 12's Python, 3.11.2, has no filters, and what they refuse was refused above.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(folder)
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ModelRefusedError(f"{archive.name}: cut or damaged at {last}, or no tar.gz at all: {error}") from None


def _read_through(tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    """Raises where the member's content ends too early."""
    if content := tar.extractfile(member):
        while content.read(_MB):
            pass


def _why_refused(member: tarfile.TarInfo) -> str:
    """The fault of a member; empty where it has none."""
    path = PurePosixPath(member.name)
    if path.is_absolute():
        return "is an absolute name: members lie in the model's folder"
    if ".." in path.parts:
        return "leaves the model's folder by '..'"
    if member.issym() or member.islnk():
        return f"is a link, to {member.linkname!r}: a model consists of files"
    if member.isdir():
        return ""
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        return "is no file but a device, a pipe or the like: a model consists of files"
    return "" if str(path) in FILES else f"is no part of a model: that is {', '.join(FILES)}"


class _Opened(gzip.GzipFile):
    """A gzip file that does not expand beyond a limit: a header may lie about sizes, what comes out cannot."""

    def __init__(self, path: Path, max_mb: int) -> None:
        super().__init__(path, "rb")
        self._file_name = path.name
        self._max_mb = max_mb

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        if self.tell() > self._max_mb * _MB:
            raise ModelRefusedError(f"{self._file_name}: expands to more than {self._max_mb:,} MB, which no model has")
        return content


def content_digest(folder: Path) -> str:
    """The SHA-256 of a model's files by their names: an archive also has times, which make equal models differ."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
