"""The one CSV of a zip file, read from a temporary copy: a zip's table of contents stands at its end."""

from __future__ import annotations

import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, cast

from exact_csv.inputs import ByteStream, InputRefusedError

_PIECE = 1 << 20
# The longest read that a sound file asks for; a table of contents longer than this is not that of one CSV.
_LONGEST_READ = 4 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, ValueError)
# How else a zip may be compressed can expand without bound in one step.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ARCHIVES = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar")


def zipped_pieces(first: bytes, stream: ByteStream, check_size: Callable[[int], None]) -> Iterator[bytes]:
    """The text of the zip's CSV; `first` was already read from the stream.

    `check_size` is called with the size that the table of contents states, before anything is expanded.

    Raises:
        InputRefusedError: it is damaged or encrypted, or does not hold exactly one CSV.
    """
    with tempfile.TemporaryFile() as copy:
        while first:
            copy.write(first)
            first = stream.read(_PIECE)
        try:
            with zipfile.ZipFile(cast(IO[bytes], _Bounded(copy))) as archive:
                member = _only_csv(archive.infolist())
                check_size(member.file_size)
                with archive.open(member) as text:
                    while piece := text.read(_PIECE):
                        yield piece
        except _DAMAGE as error:
            raise InputRefusedError(f"its zip data are damaged or in a form that is not known ({error})") from None


def _only_csv(members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    files = [each for each in members if not each.is_dir() and not _is_hidden(each.filename)]
    for each in files:
        name = each.filename
        if name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
            raise InputRefusedError(f"its zip names a file outside of itself, {name!r}")
        if name.lower().endswith(_ARCHIVES):
            raise InputRefusedError(f"its zip holds another archive, {name!r}: zip the CSV itself")
    if any(each.filename.startswith("xl/") for each in files):
        remedy = "save it as CSV UTF-8, or convert it by pandas.read_excel(path).to_csv(path, index=False)"
        raise InputRefusedError(f"it is an Excel workbook (.xlsx): {remedy}")
    tables = [each for each in files if each.filename.lower().endswith(".csv")]
    if len(tables) != 1:
        named = tables or files or [each for each in members if not each.is_dir()]
        held = ", ".join(repr(each.filename) for each in named[:5]) + (", …" if len(named) > 5 else "")
        raise InputRefusedError(f"its zip holds {held or 'no file'} where there should be one .csv")
    (table,) = tables
    if table.flag_bits & 0x1:
        raise InputRefusedError(f"its zip is encrypted ({table.filename!r}): give it without a password")
    if table.compress_type not in _METHODS:
        raise InputRefusedError(f"its zip compresses {table.filename!r} in a way other than deflate")
    return table


def _is_hidden(name: str) -> bool:
    """True for a file that macOS adds (`__MACOSX/`, `._a.csv`, `.DS_Store`), or that is hidden otherwise."""
    folders = name.split("/")
    return "__MACOSX" in folders or any(part.startswith(".") and part != ".." for part in folders)


class _Bounded:
    """A file that refuses to be read in one great piece, as `zipfile` reads a table of contents of any length."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        found = self._file.read(_LONGEST_READ + 1 if size < 0 else min(size, _LONGEST_READ + 1))
        if len(found) > _LONGEST_READ:
            raise InputRefusedError("its zip has a table of contents of more than 4 MB, and not of one CSV")
        return found
