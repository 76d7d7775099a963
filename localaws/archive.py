"""Tar files that a job takes in and gives out: safe to unpack, and the same bytes for the same files."""

import gzip
import tarfile
from pathlib import Path

from localaws.job import InputError


def pack(folder: Path, target: Path) -> None:
    """Everything in a folder, as tar.gz. Names, contents and x bits decide the bytes, nothing else."""
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def unpack(source: Path, folder: Path) -> None:
    """A tar.gz into a folder. Raises InputError if it is none, or would write outside of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"cannot unpack {source.name}: {error}") from None
