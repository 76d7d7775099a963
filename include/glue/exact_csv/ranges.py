"""Finds where the records of a large CSV begin, in byte ranges that are examined apart from each other.

Only the ranges before one know whether it begins inside quotes. So each is surveyed for both cases: which newlines
end a record, and whether each quote stands where RFC 4180 has it. The number of quotes before a range, odd or even,
then tells which case is true. Where all ranges are strict, the boundaries are exact: the quotes of a file that is
strict as a whole are trusted, whatever its narratives look like. Any other file is read as a whole, line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from exact_csv.structure import Marks, Places, Stretch, blank, record_starts, stretch_of, why_not_strict

MARGIN = 2  # bytes behind a range that tell what stands at its end


class Sight(NamedTuple):
    """A range in memory: the byte before it, and some behind it, as far as the file has them.

    `start` is the file's place of the range's first byte, which is `text[1]`; the range ends before `text[stop]`.
    """

    stretch: Stretch
    start: int
    stop: int

    def begins(self, inside: bool) -> tuple[Places, Places]:
        """Places of the text where the records of the range begin; and of the whole ones, and where the last ends."""
        starts = record_starts(self.stretch.marks, int(inside))
        count = int(np.searchsorted(starts, self.stop, side="right"))
        return starts[:count], starts[: count + 1]

    def place(self, at: int) -> int:
        """The file's place of a place of the text."""
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
    """The quotes and line ends of a range, and both cases."""

    quotes: int
    lines: int
    outside: Case
    inside: Case


class Part(NamedTuple):
    """Whole records of a file: the bytes from `start` to before `end`, behind this many records and lines."""

    start: int
    end: int
    records: int
    lines: int


class Found(NamedTuple):
    """The content of the range with this number, once it is known whether it begins inside quotes.

    Of the part's last record `across` is the file's bytes, if it was not in the range's sight.
    """

    number: int
    inside: bool
    part: Part
    across: tuple[int, int] | None


class UnsplittableError(Exception):
    """A file cannot be read in ranges; the message says why. `strict`: it is strict CSV nevertheless."""

    def __init__(self, reason: str, strict: bool = False) -> None:
        super().__init__(reason)
        self.strict = strict


def split(start: int, end: int, length: int) -> list[tuple[int, int]]:
    """Ranges of `length` bytes, the last one shorter."""
    return [(place, min(place + length, end)) for place in range(start, end, length)]


def sight_of(data: bytes, start: int, end: int) -> Sight:
    """A range's sight, from its bytes, the one before them, and at least `MARGIN` behind, if the file has them."""
    return Sight(stretch_of(data, skipped=1), start, 1 + end - start)


def survey(sight: Sight) -> Survey:
    """A range in either case."""
    within = sight.stretch.marks.before(sight.stop)
    cases = [_case(sight, within, inside) for inside in (False, True)]
    return Survey(len(within.quotes), len(within.line_ends), *cases)


def _case(sight: Sight, within: Marks, inside: bool) -> Case:
    if fault := why_not_strict(sight.stretch.text, within, int(inside)):
        return Case(fault)
    begins, whole = sight.begins(inside)
    if not len(begins):
        return Case()
    lines = int(np.searchsorted(within.line_ends, begins[0]))
    first, last, end = (sight.place(each) for each in (begins[0], begins[-1], whole[-1]))
    return Case("", first, last, end, int(np.count_nonzero(~blank(sight.stretch.text, begins))), lines)


def combine(surveys: Sequence[Survey], lines: int, end: int, longest: int) -> list[Found]:
    """The parts that the ranges are read in, in order; a range in which no record begins has none.

    The first range begins with the newline that ends the header, and `lines` stand before that.

    Raises:
        UnsplittableError: a range is not strict, the file ends inside quotes, or a record across the edge of two ranges
            has more than `longest` bytes.
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
    found = [
        Found(number, inside, part._replace(end=behind), None if case.end == behind else (case.last, behind))
        for (number, inside, case, part), behind in zip(begun, ends, strict=True)
        if part.start < behind
    ]
    for begin, behind in (each.across for each in found if each.across):
        if behind - begin > longest:
            raise UnsplittableError(f"a record of more than {longest:,} bytes at byte {begin:,}", strict=True)
    return found
