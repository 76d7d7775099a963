"""Tar archives: unpacked safely, and packed to the same bytes for the same files."""

import gzip
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from localaws.jobs.job import InputError

MAX_MEMBERS = 10_000
MAX_EXPANDED_MB = 4096
_MB = 1 << 20


def pack(folder: Path, target: Path) -> None:
    """Pack a folder as tar.gz. The bytes depend on names, contents and executable bits alone."""
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


def unpack(source: Path, folder: Path, *, max_members: int = MAX_MEMBERS, max_mb: int = MAX_EXPANDED_MB) -> None:
    """Unpack a tar or tar.gz into a folder, or nothing of an invalid one.

    Raises InputError, with the member's name, if the archive is truncated or too large, or if a member is not a file
    or folder inside the folder. Absolute names, which the data filter would rewrite, are refused too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last = "its beginning"
    expanded = 0
    try:
        with tarfile.open(source) as archive:
            for number, member in enumerate(archive):
                last = repr(member.name)
                expanded += member.size
                if wrong := _why_refused(member):
                    raise InputError(f"cannot unpack {source.name}: {last} {wrong}")
                if number >= max_members or expanded > max_mb * _MB:
                    limits = f"{max_members:,} members and {max_mb:,} MB"
                    raise InputError(f"cannot unpack {source.name}: with {last} it has more than {limits}")
            # If available: Debian 12's Python 3.11.2 has no filters, and the checks above cover them.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)
    except (tarfile.TarError, zlib.error, OSError, EOFError) as error:
        raise InputError(
            f"cannot unpack {source.name}: truncated or damaged at {last}, or not an archive: {error}"
        ) from None


def _why_refused(member: tarfile.TarInfo) -> str:
    """The reason why a member is refused; empty if it is not."""
    path = PurePosixPath(member.name)
    if path.is_absolute():
        return "is an absolute name"
    if ".." in path.parts:
        return "leaves the folder by '..'"
    if member.issym() or member.islnk():
        return f"is a link, to {member.linkname!r}"
    return "" if member.isfile() or member.isdir() else "is a device or a pipe"
