"""Which parts of an input are read apart from each other: whole records each, as its ranges turned out to hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import groupby
from typing import NamedTuple, TypeAlias

from exact_csv.formats import plain_head
from exact_csv.input_bytes import Input, InputRefusedError, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.ranges import MARGIN, Found, Part, Sight, Survey, UnsplittableError, combine, is_apart, sight_of, split
from exact_csv.records import header_of

RANGE_BYTES = 8 << 20  # what a task reads at a time, and with it what memory it needs
# Up to here the exact reader takes less time than it takes to look at the file first.
SMALL_BYTES = 1 << 20
_AHEAD = 128  # so much of its length is read behind a range, to have its last record whole
_AT_A_TIME = 16  # requests for records across edges, which are short


class Layout(NamedTuple):
    """What is known of a plain input before its ranges are looked at; the first begins with the header's end."""

    given: Input
    header: tuple[str, ...]
    lines: int
    ranges: tuple[tuple[int, int], ...]


class Look(NamedTuple):
    """A range that is surveyed, and read as well where it can be told what it holds. `number` counts all from 1."""

    layout: Layout
    place: tuple[int, int]
    number: int


class Piece(NamedTuple):
    """What is read for good: a part of an input, or all of it where `part` is None."""

    given: Input
    header: tuple[str, ...] = ()
    part: Part | None = None


Work: TypeAlias = Look | Piece


class Seen(NamedTuple):
    """What came of a look: the survey, and how many rows were read as if the range began inside quotes, or not.

    `inside` is None where none were read.
    """

    number: int
    survey: Survey
    inside: bool | None
    rows: int


class Settled(NamedTuple):
    """What came of all looks: how many records and lines stand before the rows of each, or None where they are wrong.

    At 0 stands what was read for good at once; `again` is what has yet to be read.
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
        print(f"warning: {given.uri} is read by one task, more slowly: its last line has no end", flush=True)
        return None
    found = header_of(head, limits) if head else None
    if found is None or (given.size and given.size != size):
        return None
    header, behind, lines = found
    return Layout(given, tuple(header), lines - 1, tuple(split(behind - 1, size, range_bytes)))


def work_of(opener: Opener, inputs: Iterable[Input], limits: ReaderLimits, range_bytes: int) -> list[Work]:
    """What is to be done first, in the order of the inputs and of their records: large plain inputs by their ranges."""
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


def settled(opener: Opener, work: Iterable[Work], seen: Mapping[int, Seen], limits: ReaderLimits) -> Settled:
    """Which of the rows that were read are right, and what is read again: a file that cannot be split, as a whole."""
    nothing = (0, 0)
    before = [nothing, *(None if seen[number].rows else nothing for number in sorted(seen))]
    again: list[Piece] = []
    for _, group in groupby((each for each in work if isinstance(each, Look)), key=lambda look: id(look.layout)):
        looks = list(group)
        layout, first = looks[0].layout, looks[0].number
        found = found_in(opener, layout, [seen[look.number].survey for look in looks], limits)
        if found is None:
            again.append(Piece(layout.given))
        for place, inside, part, across in found or ():
            if seen[first + place].inside == inside and not across:
                before[first + place] = (part.records, part.lines)
            else:
                again.append(Piece(layout.given, layout.header, part))
    return Settled(before, again)


def found_in(opener: Opener, layout: Layout, surveys: Sequence[Survey], limits: ReaderLimits) -> list[Found] | None:
    """What the ranges of an input hold, in order; None, and a warning, where it cannot be split exactly."""
    try:
        found = combine(surveys, layout.lines, layout.ranges[-1][1])
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            check = partial(_check_across, opener, layout, limits)
            list(pool.map(check, [each.across for each in found if each.across]))
    except (UnsplittableError, InputRefusedError) as problem:
        print(f"warning: {layout.given.uri} is read by one task, more slowly: {problem}", flush=True)
        return None
    return found


def _check_across(opener: Opener, layout: Layout, limits: ReaderLimits, ends: tuple[int, int]) -> None:
    """Tries the record that lies across the edge of two ranges, which neither survey has seen whole."""
    start, end = ends
    too_long = end - start > limits.max_row_bytes
    if too_long or not is_apart(opener.part(layout.given, start, end), layout.header, limits):
        raise UnsplittableError(f"a broken record across two ranges at byte {start:,}")
