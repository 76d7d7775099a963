"""Where the records of a large CSV begin, found in byte ranges that are looked at apart from each other.

Whether a range begins inside quotes only those before it know. So each is surveyed for both cases: which newlines end a
record, and whether each quote stands where RFC 4180 has it. Quotes before a range, odd or even, then tell which case is
true. Where all ranges are strict, the boundaries are exact; a file that is not is left to the exact reader as a whole.

A record may begin anew inside a broken one (`complaints_csv`). Such a record could take lines of the next range along,
so each that a sound record might begin in is tried by itself here, and a broken one fails its file's ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from exact_csv.faults import HOLDS_NUL, NOT_UTF_8
from exact_csv.limits import ReaderLimits
from exact_csv.marks import COMMA, CR, LF, QUOTE, Marks, Places, Text, blank, letters_at, marks_of, record_starts
from exact_csv.records import records_behind

_LOOKED_AT = 32  # lines with quotes: from there on the exact reader may stop within a record
MARGIN = 2  # bytes behind a range that tell what stands at its end


class Sight(NamedTuple):
    """A range in memory: the byte before it, and some behind it, as far as the file has them.

    `start` is the file's place of the range's first byte, which is `text[1]`; the range ends before `text[stop]`.
    """

    data: bytes
    text: Text
    marks: Marks
    start: int
    stop: int

    def begins(self, inside: bool) -> tuple[Places, Places]:
        """Places of `text` where the records of the range begin; and of the whole ones, and where the last ends."""
        starts = record_starts(self.marks, int(inside))
        count = int(np.searchsorted(starts, self.stop, side="right"))
        return starts[:count], starts[: count + 1]

    def place(self, at: int) -> int:
        """The file's place of a place of `text`."""
        return self.start - 1 + int(at)


class Case(NamedTuple):
    """A range as it is if it begins outside quotes, or inside. Places are bytes of the file, -1 where there is none."""

    fault: str = ""
    first: int = -1  # where the first record begins, and the last
    last: int = -1
    end: int = -1  # of the last whole record in sight, which is behind the range where the last one is in sight whole
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


class Found(NamedTuple):
    """What the range of this number holds, once it is known whether it begins inside quotes.

    Of the part's last record `across` is the file's bytes, if it was not in the range's sight.
    """

    number: int
    inside: bool
    part: Part
    across: tuple[int, int] | None


class UnsplittableError(Exception):
    """A file cannot be read in ranges; the message says why."""


def split(start: int, end: int, length: int) -> list[tuple[int, int]]:
    """Ranges of `length` bytes, the last one shorter."""
    return [(place, min(place + length, end)) for place in range(start, end, length)]


def sight_of(data: bytes, start: int, end: int) -> Sight:
    """A range's sight, from its bytes, the one before them, and at least `MARGIN` behind, if the file has them."""
    text = np.frombuffer(data, np.uint8)
    marks = marks_of(text[1:], returns=b"\r" in data)
    return Sight(data, text, Marks(*(each + 1 for each in marks)), start, 1 + end - start)


def survey(sight: Sight, header: Sequence[str], limits: ReaderLimits) -> Survey:
    """What a range would be in either case."""
    within = sight.marks.before(sight.stop)
    cases = [_case(sight, within, inside, header, limits) for inside in (False, True)]
    return Survey(len(within.quotes), len(within.line_ends), *cases)


def _case(sight: Sight, within: Marks, inside: bool, header: Sequence[str], limits: ReaderLimits) -> Case:
    if fault := _not_strict(sight.text, within, int(inside)):
        return Case(fault)
    begins, whole = sight.begins(inside)
    for number in _suspects(sight, inside, whole, header, limits):
        if not is_apart(sight.data[whole[number] : whole[number + 1]], header, limits):
            return Case(f"a broken record of several lines at byte {sight.place(whole[number]):,}")
    if not len(begins):
        return Case()
    lines = int(np.searchsorted(within.line_ends, begins[0]))
    first, last, end = (sight.place(each) for each in (begins[0], begins[-1], whole[-1]))
    return Case("", first, last, end, int(np.count_nonzero(~blank(sight.text, begins))), lines)


def _not_strict(text: Text, marks: Marks, parity: int) -> str:
    """Why a range is not as RFC 4180 has it, if it is not: quotes stand around fields, or twice within such."""
    opening, closing = marks.quotes[parity::2], marks.quotes[1 - parity :: 2]
    before, behind = text[opening - 1], letters_at(text, closing + 1)
    if not np.isin(before, (QUOTE, COMMA, LF)).all():
        return "a quote within a field that does not begin with one"
    if not np.isin(behind, (QUOTE, COMMA, LF, CR)).all():
        return "a quote that does not end its field"
    # A doubled quote closes and opens again: what stands before an opening quote closed just now, or begins a field.
    if len(marks.line_ends) > len(marks.newlines):
        alone = np.setdiff1d(marks.line_ends, marks.newlines, assume_unique=True)
        if ((np.searchsorted(marks.quotes, alone) + parity) % 2 == 0).any():
            return "a carriage return that ends a line alone"
    return ""


def _suspects(sight: Sight, inside: bool, whole: Places, header: Sequence[str], limits: ReaderLimits) -> list[int]:
    """Which of the whole records may have bounds exceeded, or a sound record begin in one of their lines."""
    if len(whole) < 2:
        return []
    marks = sight.marks
    quotes, lines = (np.diff(np.searchsorted(each, whole)) for each in (marks.quotes, marks.line_ends))
    long = np.diff(whole) > min(limits.max_row_bytes, limits.max_field_characters)
    found = set(np.flatnonzero(long | ((quotes >= _LOOKED_AT) & (lines >= _LOOKED_AT))).tolist())
    quoted_ends = (np.searchsorted(marks.quotes, marks.line_ends) + inside) % 2 == 1
    within = np.flatnonzero(quoted_ends & (marks.line_ends >= whole[0]) & (marks.line_ends < whole[-1]))
    starts, ends = marks.line_ends[within] + 1, marks.line_ends[within + 1]
    # A sound record's first quote opens a field.
    at = np.searchsorted(marks.quotes, starts)
    quote = marks.quotes[np.minimum(at, len(marks.quotes) - 1)]
    quoted = (at < len(marks.quotes)) & (quote <= ends)
    opens = quoted & ((quote == starts) | (sight.text[quote - 1] == COMMA))
    # One without quotes ends with its line, and so has as many commas there as the header.
    commas = len(header) - 1
    bare = np.flatnonzero(~quoted & (ends - starts >= commas))
    rows = [k for k in bare.tolist() if sight.data.count(b",", starts[k], ends[k]) == commas]
    suspicious = np.concatenate((starts[opens], starts[np.array(rows, np.int64)]))
    found.update((np.searchsorted(whole, suspicious, side="right") - 1).tolist())
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


def combine(surveys: Sequence[Survey], lines: int, end: int) -> list[Found]:
    """The parts that the ranges are read in, in order; a range in which no record begins has none.

    The first range begins with the newline that ends the header, and `lines` stand before that.

    Raises:
        UnsplittableError: a range is not strict, or the file ends inside quotes.
    """
    begun: list[tuple[int, bool, Case, Part]] = []
    quotes = records = 0
    for number, each in enumerate(surveys):
        inside = quotes % 2 == 1
        case = each.inside if inside else each.outside
        if case.fault:
            raise UnsplittableError(case.fault)
        if case.first >= 0:
            begun.append((number, inside, case, Part(case.first, end, records, lines + case.lines_before_first)))
        quotes, lines, records = quotes + each.quotes, lines + each.lines, records + case.records
    if quotes % 2:
        raise UnsplittableError("the file ends inside quotes")
    ends = [part.start for *_, part in begun[1:]] + [end]
    return [
        Found(number, inside, part._replace(end=behind), None if case.end == behind else (case.last, behind))
        for (number, inside, case, part), behind in zip(begun, ends, strict=True)
        if part.start < behind
    ]
