"""What an input is made of, told by its first bytes and not by its name, and the text that it holds, as bytes.

Plain CSV, gzip (of any number of members), or a zip of one CSV. Everything else, and all that expands to more than the
bounds allow, is refused with the reason: before it is expanded where it says so itself, and while it is where it lied.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from exact_csv.input_bytes import ByteStream, InputRefusedError
from exact_csv.limits import ReaderLimits
from exact_csv.zipped import zipped_pieces

PIECE = 1 << 20
_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
_FOREIGN = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
    b"PAR1": "Parquet",
    b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
_WIDE_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_MOST_EXPANSION = 1_032  # deflate can do no more (https://zlib.net/zlib_tech.html)


def text_pieces(stream: ByteStream, limits: ReaderLimits) -> Iterator[bytes]:
    """The bytes of the text that `stream` holds, some at a time.

    Raises:
        InputRefusedError: it is in no form that is read, is damaged, or grows beyond the bounds.
    """
    first = stream.read(PIECE)
    if first.startswith(_GZIP):
        _refuse(_ahead(stream, limits))
        expanded = _gunzipped(first, stream)
    elif first.startswith(_ZIP):
        expanded = zipped_pieces(first, stream, lambda said: _refuse(limits.why_too_large(said, stream.size)))
    else:
        yield from _checked(_pieces(first, stream))
        return
    yield from _checked(_bounded(expanded, stream.size, limits))


def plain_head(stream: ByteStream) -> bytes | None:
    """The beginning of plain text; None where it is something else, of which `text_pieces` says what."""
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
    """The pieces, once the first of them is seen to be text of one byte a letter."""
    first = next((piece for piece in pieces if piece), b"")
    if first.startswith((_GZIP, *_ZIP)):
        raise InputRefusedError("it is an archive within an archive: give the CSV itself, or compress it once")
    for mark, name in _FOREIGN.items():
        if first.startswith(mark):
            raise InputRefusedError(f"it is {name}: give it as CSV, gzip or zip")
    for mark, name in _WIDE_MARKS.items():
        if first.startswith(mark):
            raise InputRefusedError(f"it is {name}: save it as UTF-8")
    start = first[:4096]
    # Latin text in UTF-16 is half NULs, in UTF-32 three quarters; a stray NUL spoils its own row only.
    if start.count(0) * 4 > len(start):
        raise InputRefusedError("it is UTF-16 or UTF-32 without a byte order mark, or no text: save it as UTF-8")
    if first:
        yield first
    yield from pieces


def _gunzipped(first: bytes, stream: ByteStream) -> Iterator[bytes]:
    """What all members of a gzip file hold; each member's checksum is verified (RFC 1952)."""
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
    """What stands behind a member: another one, or nothing but zeros, which fill up the last block of a tape."""
    behind = behind.lstrip(b"\0")
    while not behind and (more := stream.read(PIECE)):
        behind = more.lstrip(b"\0")
    return behind


def _ahead(stream: ByteStream, limits: ReaderLimits) -> str | None:
    """Why a gzip file is refused by what its last four bytes say of its last member's size (modulo 2**32)."""
    if limits.why_too_large(stream.size * _MOST_EXPANSION, stream.size) is None:
        return None  # whatever it holds, it is small
    trailer = stream.tail(4)
    return limits.why_too_large(struct.unpack("<I", trailer)[0], stream.size) if len(trailer) == 4 else None


def _refuse(reason: str | None) -> None:
    if reason:
        raise InputRefusedError(reason)
