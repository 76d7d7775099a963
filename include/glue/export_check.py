"""The check of a downloaded export: it is read to its end, so that all checksums and sizes are verified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from exact_csv.columns import COLUMNS, no_header
from exact_csv.formats import text_pieces
from exact_csv.inputs import Input, InputRefusedError, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.tolerant_reader import header_of

_HEAD_BYTES = 1 << 20
_LONGEST_LINE = 2_000
_LOGGED_EVERY = 1 << 30


class Checked(NamedTuple):
    """A sound export: the columns that we know, in its order, and the bytes of its CSV."""

    columns: list[str]
    expanded_bytes: int


def checked(opener: Opener, given: Input, limits: ReaderLimits) -> Checked:
    """What an export holds.

    Raises:
        InputRefusedError: it is damaged, no zip of one CSV, too large when expanded, or has no header that we know.
    """
    with closing(opener.open(given)) as stream:
        pieces = text_pieces(stream, limits)
        head = _head(pieces)
        found = header_of(head, limits)
        if found is None or found[0].id_place is None:
            first = head.partition(b"\n")[0][:_LONGEST_LINE].decode("utf-8", "replace").strip()
            raise InputRefusedError(f"{no_header(first, 1)}; an export also needs a column 'complaint_id'")
        size, logged = len(head), 0
        for piece in pieces:
            size += len(piece)
            if size - logged >= _LOGGED_EVERY:
                logged = size
                print(f"checked {size / 1e6:,.0f} MB of CSV", flush=True)
    return Checked([name for name in found[0].columns if name in COLUMNS], size)


def _head(pieces: Iterator[bytes]) -> bytes:
    head = b""
    while len(head) < _HEAD_BYTES and (piece := next(pieces, b"")):
        head += piece
    return head
