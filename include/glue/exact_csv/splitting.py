"""Divides inputs into work for tasks: byte ranges of large plain files, and whole files of all other kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import groupby
from typing import NamedTuple, TypeAlias

from exact_csv.columns import Header
from exact_csv.formats import plain_head
from exact_csv.inputs import Input, InputRefusedError, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.ranges import MARGIN, Part, Sight, Survey, UnsplittableError, combine, sight_of, split
from exact_csv.tolerant_reader import header_of

RANGE_BYTES = 8 << 20  # what a task reads at a time, and with it what memory it needs
_AHEAD = 128  # so much of its length is read behind a range, to have its last record whole


class Layout(NamedTuple):
    """A large plain input before its ranges are surveyed; the first range begins with the header's end."""

    given: Input
    header: Header
    lines: int
    ranges: tuple[tuple[int, int], ...]


class Look(NamedTuple):
    """A range to survey, and to read if its content is clear. `number` counts all ranges of a run from 1."""

    layout: Layout
    place: tuple[int, int]
    number: int


class Piece(NamedTuple):
    """A part of an input to read, or all of it where `part` is None.

    `is_strict` says that all of it is known to be strict CSV.
    """

    given: Input
    header: Header | None = None
    part: Part | None = None
    is_strict: bool = False


Work: TypeAlias = Look | Piece


class Seen(NamedTuple):
    """The survey of a range, and the number of rows that were read from it, as if it began inside quotes or not.

    `inside` is None where none were read.
    """

    number: int
    survey: Survey
    inside: bool | None
    rows: int


class Settled(NamedTuple):
    """The numbers of records and lines before the rows of each range, or None where its rows are wrong.

    Place 0 is for rows that belong to no range; `again` is what has yet to be read.
    """

    before: list[tuple[int, int] | None]
    again: list[Piece]


def layout_of(opener: Opener, given: Input, limits: ReaderLimits, range_bytes: int) -> Layout | None:
    """The layout of an input; None for one that is not plain text with a header, or does not end with its last line."""
    try:
        with closing(opener.open(given)) as stream:
            size, head, end = stream.size, plain_head(stream), stream.tail(1)
    except InputRefusedError:
        return None
    if head and end != b"\n":
        print(
            f"warning: {given.uri} is read by one task, more slowly, because its last line has no line end", flush=True
        )
        return None
    found = header_of(head, limits) if head else None
    if found is None or (given.size and given.size != size):
        return None
    header, behind, lines = found
    return Layout(given, header, lines - 1, tuple(split(behind - 1, size, range_bytes)))


def work_of(opener: Opener, inputs: Iterable[Input], limits: ReaderLimits, range_bytes: int) -> list[Work]:
    """The first work, in the order of the inputs and of their records: large plain inputs by their ranges."""
    work: list[Work] = []
    looks = 0
    for given in inputs:
        layout = layout_of(opener, given, limits, range_bytes) if _may_be_split(given, range_bytes) else None
        if layout is None:
            work.append(Piece(given))
        else:
            work += [Look(layout, place, number) for number, place in enumerate(layout.ranges, start=looks + 1)]
            looks += len(layout.ranges)
    return work


def _may_be_split(given: Input, range_bytes: int) -> bool:
    return given.size > range_bytes and not given.uri.lower().endswith((".gz", ".zip"))


def sight_in(opener: Opener, given: Input, place: tuple[int, int]) -> Sight:
    """A range of an input, and what stands around it.

    Raises:
        InputRefusedError: the input is not there any more, or not what the plan is about.
    """
    start, end = place
    ahead = max(MARGIN, (end - start) // _AHEAD)
    return sight_of(opener.part(given, start - 1, end + ahead), start, end)


def settled(work: Iterable[Work], seen: Mapping[int, Seen], limits: ReaderLimits) -> Settled:
    """The rows that were read rightly, and what is read again: a file that cannot be split, as a whole."""
    nothing = (0, 0)
    before = [nothing, *(None if seen[number].rows else nothing for number in sorted(seen))]
    again: list[Piece] = []
    for _, group in groupby((each for each in work if isinstance(each, Look)), key=lambda look: id(look.layout)):
        looks = list(group)
        layout, first = looks[0].layout, looks[0].number
        try:
            surveys = [seen[look.number].survey for look in looks]
            found = combine(surveys, layout.lines, layout.ranges[-1][1], limits.max_row_bytes)
        except UnsplittableError as problem:
            print(f"warning: {layout.given.uri} is read by one task, more slowly: {problem}", flush=True)
            again.append(Piece(layout.given, is_strict=problem.strict))
            continue
        for place, inside, part, across in found:
            if seen[first + place].inside == inside and not across:
                before[first + place] = (part.records, part.lines)
            else:
                again.append(Piece(layout.given, layout.header, part))
    return Settled(before, again)
