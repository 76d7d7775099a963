"""Detects the format of an input by its first bytes, not by its name, and unpacks the text that it holds, as bytes.

Plain CSV, gzip (of any number of members), or a zip of one CSV. Everything else, and all that expands to more than the
bounds allow, is refused with the reason, as soon as that is known.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from exact_csv.inputs import ByteStream, InputRefusedError
from exact_csv.limits import ReaderLimits
from exact_csv.zipped import zipped_pieces

PIECE = 1 << 20
_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = "unpack it by {} and give it as CSV, gzip or zip"
_TO_CSV = "convert it to CSV, for example by pandas.read_{0}(path).to_csv(path, index=False)"
_FOREIGN = {
    b"BZh": ("bzip2", _PACKED.format("bunzip2")),
    b"\xfd7zXZ\x00": ("xz", _PACKED.format("unxz")),
    b"\x28\xb5\x2f\xfd": ("Zstandard", _PACKED.format("unzstd")),
    b"7z\xbc\xaf\x27\x1c": ("7-Zip", _PACKED.format("7z x")),
    b"Rar!": ("RAR", _PACKED.format("unrar x")),
    b"PAR1": ("Parquet", _TO_CSV.format("parquet")),
    b"ORC": ("ORC", _TO_CSV.format("orc")),
    b"%PDF": ("PDF", "export the table that it shows as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", f"save it as CSV UTF-8, or {_TO_CSV.format('excel')}"),
    b"SQLite format 3": ("an SQLite database", "export its table by sqlite3 -header -csv FILE 'SELECT * FROM TABLE'"),
}
# Of text, behind white space.
_FOREIGN_TEXT = {
    b"{": ("JSON", "convert it to CSV, for example by pandas.read_json(path, lines=True).to_csv(path, index=False)"),
    b"[": ("JSON", _TO_CSV.format("json")),
    b"<": ("HTML or XML", "download or export the CSV itself"),
}
_WIDE_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def text_pieces(stream: ByteStream, limits: ReaderLimits) -> Iterator[bytes]:
    """The bytes of the text that `stream` holds, some at a time.

    Raises:
        InputRefusedError: it is in no form that is read, is damaged, or grows beyond the bounds.
    """
    first = stream.read(PIECE)
    if first.startswith(_GZIP):
        expanded = _gunzipped(first, stream)
    elif first.startswith(_ZIP):
        expanded = zipped_pieces(first, stream, lambda said: _refuse(limits.why_too_large(said, stream.size)))
    else:
        yield from _checked(_pieces(first, stream))
        return
    yield from _checked(_bounded(expanded, stream.size, limits))


def plain_head(stream: ByteStream) -> bytes | None:
    """The beginning of plain text; None for anything else, which `text_pieces` unpacks or refuses."""
    first = stream.read(PIECE)
    try:
        return None if first.startswith((_GZIP, *_ZIP)) else next(_checked(iter((first,))), b"")
    except InputRefusedError:
        return None


def _pieces(first: bytes, stream: ByteStream) -> Iterator[bytes]:
    while first:
        yield first
        first = stream.read(PIECE)


def _bounded(pieces: Iterator[bytes], stored: int, limits: ReaderLimits) -> Iterator[bytes]:
    expanded = 0
    for piece in pieces:
        expanded += len(piece)
        _refuse(limits.why_too_large(expanded, stored))
        yield piece


def _checked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, once the first of them has turned out to be text of one byte a letter."""
    first = next((piece for piece in pieces if piece), b"")
    if first.startswith((_GZIP, *_ZIP)):
        raise InputRefusedError("it is an archive within an archive: give the CSV itself, or compress it once")
    text = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    for marks, start in ((_FOREIGN, first), (_FOREIGN_TEXT, text)):
        for mark, (name, remedy) in marks.items():
            if start.startswith(mark):
                raise InputRefusedError(f"it is {name}: {remedy}")
    for mark, name in _WIDE_MARKS.items():
        if first.startswith(mark):
            raise InputRefusedError(f"it is {name}: save it as UTF-8, for example by iconv -f {name} -t UTF-8")
    start = first[:4096]
    # Latin text in UTF-16 is half NULs, in UTF-32 three quarters; a stray NUL spoils its own row only.
    if start.count(0) * 4 > len(start):
        raise InputRefusedError("it is UTF-16 or UTF-32 without a byte order mark, or no text: save it as UTF-8")
    if first:
        yield first
    yield from pieces


def _gunzipped(first: bytes, stream: ByteStream) -> Iterator[bytes]:
    """The content of all members of a gzip file; each member's checksum is verified (RFC 1952)."""
    pending, member = first, zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        while pending or not member.eof:
            piece = member.decompress(pending, PIECE)
            yield piece
            pending = member.unconsumed_tail
            if member.eof:
                pending = _next_member(member.unused_data, stream)
                member = zlib.decompressobj(zlib.MAX_WBITS | 16) if pending else member
            elif not pending and len(piece) < PIECE:
                pending = stream.read(PIECE)
                if not pending:
                    raise InputRefusedError("its gzip data end too early: the file is cut")
    except zlib.error as error:
        raise InputRefusedError(f"its gzip data are damaged ({error})") from None


def _next_member(behind: bytes, stream: ByteStream) -> bytes:
    """The beginning of the next member, without zeros, which fill up the last block of a tape; empty if none follows.

    Other bytes behind the last member are ignored with a warning, as gzip does.
    """
    behind = behind.lstrip(b"\0")
    while len(behind) < len(_GZIP) and (more := stream.read(PIECE)):
        behind = (behind + more).lstrip(b"\0")
    if behind and not behind.startswith(_GZIP):
        print("warning: bytes behind the end of the gzip data are ignored", flush=True)
        return b""
    return behind


def _refuse(reason: str | None) -> None:
    if reason:
        raise InputRefusedError(reason)
