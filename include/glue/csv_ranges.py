"""Where the records of a large CSV begin, found in byte ranges that are looked at apart from each other.

Whether a range begins inside quotes only those before it know. So each is surveyed for both cases: which newlines end a
record, and whether each quote stands where RFC 4180 has it. Quotes before a range, odd or even, then tell which case is
true. Where all ranges are strict, the boundaries are exact; a file that is not is left to the exact reader as a whole.

A record may begin anew inside a broken one (`complaints_csv`). Such a record could take lines of the next range along,
so each that a sound record might begin in is tried by itself here, and a broken one fails its file's ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from complaints_csv import records_behind
from reader_limits import ReaderLimits
from record_faults import HOLDS_NUL, NOT_UTF_8

_QUOTE, _COMMA, _LF, _CR = b'",\n\r'
_LOOKED_AT = 32  # lines with quotes: from there on the exact reader may stop within a record
_CACHED = 1 << 18
MARGIN = 2  # bytes behind a range that tell what stands at its end

Places: TypeAlias = npt.NDArray[np.int64]
_Bytes: TypeAlias = npt.NDArray[np.uint8]


class Case(NamedTuple):
    """A range as it is if it begins outside quotes, or inside. Places are bytes of the file, -1 where there is none."""

    fault: str = ""
    first: int = -1  # where the first record begins, and the last
    last: int = -1
    records: int = 0
    lines_before_first: int = 0


class Survey(NamedTuple):
    """What one range is told apart by: its quotes and line ends, and both cases."""

    quotes: int
    lines: int
    outside: Case
    inside: Case


class Part(NamedTuple):
    """Whole records of a file: the bytes from `start` to before `end`, behind so many records and lines."""

    start: int
    end: int
    records: int
    lines: int


class Marks(NamedTuple):
    """Places of quotes, of newlines, and of all line ends: a carriage return alone is one, too."""

    quotes: Places
    newlines: Places
    line_ends: Places


class UnsplittableError(Exception):
    """A file cannot be read in ranges; the message says why."""


def split(start: int, end: int, length: int) -> list[tuple[int, int]]:
    """Ranges of `length` bytes, the last one shorter."""
    return [(place, min(place + length, end)) for place in range(start, end, length)]


def marks_of(text: _Bytes, end: int, returns: bool = True) -> Marks:
    """The marks before `end`; what stands behind it only tells whether a carriage return stands alone.

    `returns` is False where the text has no carriage return, so that nobody looks for one; Python tells it sooner.
    """
    places = _places(text[:end], (_QUOTE, _LF, _CR) if returns else (_QUOTE, _LF))
    letters = text[places]
    quotes, newlines = places[letters == _QUOTE], places[letters == _LF]
    if not returns:
        return Marks(quotes, newlines, newlines)
    ends = places[letters == _CR]
    alone = ends[_at(text, ends + 1) != _LF]
    return Marks(quotes, newlines, np.sort(np.concatenate((newlines, alone))) if len(alone) else newlines)


def _places(text: _Bytes, letters: Sequence[int]) -> Places:
    """Where one of the letters stands. By pieces that fit into a cache: fresh memory costs more than the search."""
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(text), _CACHED):
        piece = text[start : start + _CACHED]
        marked = piece == letters[0]
        for letter in letters[1:]:
            marked |= piece == letter
        found.append(np.flatnonzero(marked) + start)
    return np.concatenate(found)


def survey(data: bytes, start: int, end: int, header: Sequence[str], limits: ReaderLimits) -> Survey:
    """Surveys a range, given with the byte before it and `MARGIN` bytes behind it, as far as the file has them.

    `start` and `end` are the range's own places in the file; the byte before it is part of `data` always.
    """
    text = np.frombuffer(data, np.uint8)
    found = marks_of(text[1:], end - start, returns=b"\r" in data)
    marks = Marks(*(each + 1 for each in found))
    cases = [_case(data, text, marks, parity, start - 1, header, limits) for parity in (0, 1)]
    return Survey(len(marks.quotes), len(marks.line_ends), *cases)


def _case(
    data: bytes, text: _Bytes, marks: Marks, parity: int, origin: int, header: Sequence[str], limits: ReaderLimits
) -> Case:
    if fault := _not_strict(text, marks, parity):
        return Case(fault)
    begins = record_starts(marks, parity)
    if suspect := _suspects(data, text, marks, parity, begins, header, limits):
        for place in suspect:
            if not is_apart(data[begins[place] : begins[place + 1]], header, limits):
                return Case(f"a broken record of several lines at byte {origin + int(begins[place]):,}")
    if not len(begins):
        return Case()
    lines = int(np.searchsorted(marks.line_ends, begins[0]))
    first, last = (origin + int(begins[place]) for place in (0, -1))
    return Case("", first, last, int(np.count_nonzero(~blank(text, begins))), lines)


def _at(text: _Bytes, places: Places) -> _Bytes:
    """The bytes at these places; newlines behind the file's last."""
    within = places < len(text)
    found: _Bytes = np.full(len(places), _LF, np.uint8)
    found[within] = text[places[within]]
    return found


def _not_strict(text: _Bytes, marks: Marks, parity: int) -> str:
    """Why a range is not as RFC 4180 has it, if it is not: quotes stand around fields, or twice within such."""
    opening, closing = marks.quotes[parity::2], marks.quotes[1 - parity :: 2]
    before, behind = text[opening - 1], _at(text, closing + 1)
    if not np.isin(before, (_QUOTE, _COMMA, _LF)).all():
        return "a quote within a field that does not begin with one"
    if not np.isin(behind, (_QUOTE, _COMMA, _LF, _CR)).all():
        return "a quote that does not end its field"
    # A doubled quote closes and opens again: what stands before an opening quote closed just now, or begins a field.
    if len(marks.line_ends) > len(marks.newlines):
        alone = np.setdiff1d(marks.line_ends, marks.newlines, assume_unique=True)
        if ((np.searchsorted(marks.quotes, alone) + parity) % 2 == 0).any():
            return "a carriage return that ends a line alone"
    return ""


def record_starts(marks: Marks, parity: int) -> Places:
    """Where records begin: behind each newline outside quotes, a blank line included."""
    outside = (np.searchsorted(marks.quotes, marks.newlines) + parity) % 2 == 0
    begins: Places = marks.newlines[outside] + 1
    return begins


def blank(text: _Bytes, begins: Places) -> npt.NDArray[np.bool_]:
    """At which of these places nothing but a line's end stands, or the file's."""
    first, second = _at(text, begins), _at(text, begins + 1)
    found: npt.NDArray[np.bool_] = (first == _LF) | ((first == _CR) & (second == _LF))
    return found


def _suspects(
    data: bytes,
    text: _Bytes,
    marks: Marks,
    parity: int,
    begins: Places,
    header: Sequence[str],
    limits: ReaderLimits,
) -> list[int]:
    """Which whole records of the range may have bounds exceeded, or a sound record begin in one of their lines."""
    if len(begins) < 2:
        return []
    quotes, lines = (np.diff(np.searchsorted(each, begins)) for each in (marks.quotes, marks.line_ends))
    long = np.diff(begins) > min(limits.max_row_bytes, limits.max_field_characters)
    found = set(np.flatnonzero(long | ((quotes >= _LOOKED_AT) & (lines >= _LOOKED_AT))).tolist())
    inside = (np.searchsorted(marks.quotes, marks.line_ends) + parity) % 2 == 1
    within = np.flatnonzero(inside & (marks.line_ends >= begins[0]) & (marks.line_ends < begins[-1]))
    starts, ends = marks.line_ends[within] + 1, marks.line_ends[within + 1]
    # A sound record's first quote opens a field.
    at = np.searchsorted(marks.quotes, starts)
    quote = marks.quotes[np.minimum(at, len(marks.quotes) - 1)]
    quoted = (at < len(marks.quotes)) & (quote <= ends)
    opens = quoted & ((quote == starts) | (text[quote - 1] == _COMMA))
    commas = len(header) - 1
    bare = np.flatnonzero(~quoted & (ends - starts >= commas))
    rows = [k for k in bare.tolist() if data.count(b",", starts[k], ends[k]) >= commas]
    suspicious = np.concatenate((starts[opens], starts[np.array(rows, np.int64)]))
    found.update((np.searchsorted(begins, suspicious, side="right") - 1).tolist())
    return sorted(found)


def is_apart(record: bytes, header: Sequence[str], limits: ReaderLimits) -> bool:
    """Whether the exact reader, wherever it meets these bytes of one record, goes on right behind them.

    It does behind a sound record or a blank line, where only letters are wrong, and where all is one line.
    """
    found = list(records_behind(header, (record,), limits, 0, 0))
    if len(found) > 1:
        return False
    reason = found[0].reason if found else None
    one_line = len(record) <= min(limits.max_row_bytes, limits.max_field_characters) and len(record.splitlines()) == 1
    return reason in (None, NOT_UTF_8, HOLDS_NUL) or one_line


def combine(surveys: Sequence[Survey], lines: int, end: int) -> tuple[list[Part], list[tuple[int, int]]]:
    """The parts that the ranges are read in, and the records that lie across the edges of ranges.

    The first range begins with the newline that ends the header, and `lines` stand before that.

    Raises:
        UnsplittableError: a range is not strict, or the file ends inside quotes.
    """
    begun: list[Part] = []
    quotes = records = 0
    across, last = [], -1
    for each in surveys:
        case = each.inside if quotes % 2 else each.outside
        if case.fault:
            raise UnsplittableError(case.fault)
        if case.first >= 0:
            begun.append(Part(case.first, end, records, lines + case.lines_before_first))
            if last >= 0:
                across.append((last, case.first))
            last = case.last
        quotes, lines, records = quotes + each.quotes, lines + each.lines, records + case.records
    if quotes % 2:
        raise UnsplittableError("the file ends inside quotes")
    parts = [part._replace(end=behind.start) for part, behind in pairwise(begun)] + begun[-1:]
    return [part for part in parts if part.start < part.end], across
