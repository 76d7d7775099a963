"""The rows of a whole input, read by one task: a compressed file, a small one, or one whose CSV is broken somewhere.

A file is read twice. The first time decides whether it is strict CSV throughout: then its quotes are trusted, and a
line of a narrative is never taken for a row, whatever it looks like. Files that fit into memory are kept there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exact_csv.columns import IDENTIFIER, Header
from exact_csv.faults import CUT_IN_NUMBER, LINE_ENDS
from exact_csv.formats import text_pieces
from exact_csv.inputs import Input, InputRefusedError, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.quoting import why_broken
from exact_csv.row_tables import exact_tables, whole_tables
from exact_csv.strict_reader import Place, too_long
from exact_csv.structure import QUOTE, Places, Stretch, blank, record_starts, stretch_of
from exact_csv.tolerant_reader import Record, header_of, raw_text, records

_KEPT_BYTES = 8 << 20
_PARSED_BYTES = 4 << 20
_LONGEST_HEAD = 1 << 20


class FileHeader(NamedTuple):
    """The header of an input, and the number of bytes and lines up to its end."""

    uri: str
    header: Header
    size: int
    lines: int


def tables_of_file(
    opener: Opener, given: Input, limits: ReaderLimits, *, is_strict: bool = False
) -> Iterator[pa.Table | FileHeader]:
    """The rows of one input, in order, behind its header if one is found.

    `is_strict` says that the text behind the header is known to be strict CSV.
    """
    reading = _Reading(opener, given, limits)
    try:
        kept = reading.first_bytes()
        found = header_of(kept[:_LONGEST_HEAD], limits)
        strict = found is not None and (is_strict or reading.is_strict(kept, found[1]))
        pieces = reading.again(kept)
    except InputRefusedError as refused:
        yield from exact_tables(given.uri, iter([Record(0, reading.lines, str(refused), None)]))
        return
    if found:
        yield FileHeader(given.uri, *found)
    if found and strict:
        header, size, lines = found
        yield from _strict_tables(given.uri, _skipped(pieces, size), header, limits, Place(0, 0, lines))
    else:
        yield from exact_tables(given.uri, records(pieces, limits))


class _Reading:
    """One input, which is read from its beginning once or twice."""

    def __init__(self, opener: Opener, given: Input, limits: ReaderLimits) -> None:
        self._opener, self._given, self._limits = opener, given, limits
        self._pieces = self._opened()
        self._is_in_memory = False
        self.lines = 0  # that were read, for the message about an input that ends too early

    def first_bytes(self) -> bytes:
        """The beginning of the text, or all of it if that is short."""
        kept: list[bytes] = []
        size = 0
        for piece in self._pieces:
            kept.append(piece)
            size += len(piece)
            if size > _KEPT_BYTES:
                break
        else:
            self._is_in_memory = True
        return b"".join(kept)

    def is_strict(self, kept: bytes, start: int) -> bool:
        """True where the text from this byte on is strict CSV."""
        if reason := why_broken(chain((kept[start:],), self._pieces)):
            print(f"{self._given.uri} is read line by line, more slowly: {reason}", flush=True)
        return not reason

    def again(self, kept: bytes) -> Iterator[bytes]:
        """The text from its beginning."""
        return iter((kept,)) if self._is_in_memory else self._opened()

    def _opened(self) -> Iterator[bytes]:
        self.lines = 0
        with closing(self._opener.open(self._given)) as stream:
            for piece in text_pieces(stream, self._limits):
                self.lines += piece.count(b"\n")
                yield piece


def _skipped(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The text without its first `size` bytes."""
    for piece in pieces:
        if size < len(piece):
            yield piece[size:]
        size = max(size - len(piece), 0)


def _larger(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in pieces that are worth parsing, none of which ends within a CRLF: it would count as two lines."""
    held: list[bytes] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) >= _PARSED_BYTES:
            text = b"".join(held)
            end = len(text) - text.endswith(b"\r")
            held = [text[end:]]
            yield text[:end]
    if rest := b"".join(held):
        yield rest


class _TooLong(NamedTuple):
    """A record that exceeds the bounds: its first bytes, and the number of its lines."""

    first: bytes
    lines: int


def _strict_tables(
    uri: str, pieces: Iterable[bytes], header: Header, limits: ReaderLimits, at: Place
) -> Iterator[pa.Table]:
    """The rows of a text that is strict CSV and begins with a record."""
    last_id = _LastId(header)
    try:
        for found in _whole_records(pieces, limits.max_row_bytes):
            if isinstance(found, _TooLong):
                row = Record(at.records + 1, at.lines + 1, too_long(limits), raw_text(found.first))
                yield from exact_tables(uri, iter([row]))
                at = at._replace(records=at.records + 1, lines=at.lines + found.lines)
                continue
            stretch, whole = found
            for table in whole_tables(uri, stretch, whole, header, limits, at):
                yield last_id.checked(table, stretch.data)
            records_here = int(np.count_nonzero(~blank(stretch.text, whole[:-1])))
            at = at._replace(records=at.records + records_here, lines=at.lines + len(stretch.marks.line_ends))
    except InputRefusedError as refused:
        yield from exact_tables(uri, iter([Record(0, at.lines, str(refused), None)]))


def _whole_records(pieces: Iterable[bytes], longest: int) -> Iterator[tuple[Stretch, Places] | _TooLong]:
    """Stretches of whole records, and where these begin and end; of a record beyond `longest` bytes its beginning."""
    rest = b""
    reader = _larger(pieces)
    for piece in reader:
        stretch = stretch_of(rest + piece)
        starts = record_starts(stretch.marks, 0)
        if len(starts):
            end = int(starts[-1])
            rest = stretch.data[end:]
            yield stretch_of(stretch.data[:end]), np.concatenate((np.zeros(1, np.int64), starts))
        elif len(stretch.data) > longest:
            lines, rest = _skip_record(stretch, reader)
            yield _TooLong(stretch.data[: longest + 1], lines)
        else:
            rest = stretch.data
    # Behind a record that was skipped there may be several records.
    starts = record_starts(stretch_of(rest).marks, 0)
    end = int(starts[-1]) if len(starts) else 0
    if end:
        yield stretch_of(rest[:end]), np.concatenate((np.zeros(1, np.int64), starts))
    if rest[end:]:
        yield stretch_of(rest[end:]), np.array([0, len(rest) - end], np.int64)


def _skip_record(begun: Stretch, reader: Iterator[bytes]) -> tuple[int, bytes]:
    """The number of lines of a record that has begun, and what is read behind its end."""
    lines, parity = len(begun.marks.line_ends), len(begun.marks.quotes) % 2
    for piece in reader:
        stretch = stretch_of(piece)
        starts = record_starts(stretch.marks, parity)
        if len(starts):
            end = int(starts[0])
            return lines + int(np.searchsorted(stretch.marks.line_ends, end)), piece[end:]
        lines += len(stretch.marks.line_ends)
        parity = (parity + int(np.count_nonzero(stretch.text == QUOTE))) % 2
    return lines, b""


class _LastId:
    """Checks the last row of a file whose last line has no end: half of the Complaint ID may be missing."""

    def __init__(self, header: Header) -> None:
        self._ends_with_id = header.id_place == len(header.columns) - 1
        self._shortest = 0

    def checked(self, table: pa.Table, data: bytes) -> pa.Table:
        """The table of the next rows, the last of them quarantined if its id is shorter than all others."""
        if not self._ends_with_id or not table.num_rows:
            return table
        lengths = pc.binary_length(pc.utf8_trim_whitespace(table[IDENTIFIER]))
        if data.endswith((*LINE_ENDS, b'"')):
            self._shortest = min(self._shortest or 20, pc.min(lengths).as_py() or 20)
            return table
        before = pc.min(lengths[:-1]).as_py() if table.num_rows > 1 else None
        shortest = min(each for each in (before, self._shortest or None, 1 << 30) if each)
        last = lengths[-1].as_py()
        if last is None or last >= shortest or shortest == 1 << 30:
            return table
        row = table.slice(table.num_rows - 1)
        faulty = Record(row["record"][0].as_py(), row["line"][0].as_py(), CUT_IN_NUMBER, raw_text(_last_record(data)))
        (cut,) = exact_tables(row["source"][0].as_py(), iter([faulty]))
        return pa.concat_tables([table.slice(0, table.num_rows - 1), cut.cast(table.schema)])


def _last_record(data: bytes) -> bytes:
    starts = record_starts(stretch_of(data).marks, 0)
    return data[int(starts[-1]) if len(starts) else 0 :]
