"""Which parts of an input are read apart from each other: whole records each, found by a survey of its ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import NamedTuple, TypeAlias

from complaints_csv import header_of
from csv_ranges import MARGIN, Part, Survey, UnsplittableError, combine, is_apart, split, survey
from input_bytes import Input, InputRefusedError, Opener
from input_formats import plain_head
from reader_limits import ReaderLimits

RANGE_BYTES = 8 << 20  # what a task reads at a time, and with it what memory it needs
# Up to here the exact reader takes less time than it takes to look at the file first.
SMALL_BYTES = 1 << 20
_AT_A_TIME = 16  # requests for records across edges, which are short


class Layout(NamedTuple):
    """What is known of a plain input before its ranges are surveyed; the first range begins with the header's end."""

    given: Input
    header: tuple[str, ...]
    lines: int
    ranges: tuple[tuple[int, int], ...]


class Piece(NamedTuple):
    """What one task reads: a part of an input, or all of it where `part` is None."""

    given: Input
    header: tuple[str, ...] = ()
    part: Part | None = None


# Surveys the ranges of all layouts, in order: in this process, or on a cluster.
Surveyor: TypeAlias = Callable[[Sequence[tuple[Layout, tuple[int, int]]]], Iterable[Survey]]


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


def survey_of(opener: Opener, layout: Layout, place: tuple[int, int], limits: ReaderLimits) -> Survey:
    """The survey of one of the layout's ranges.

    Raises:
        InputRefusedError: the input is not there any more, or not what the plan is about.
    """
    start, end = place
    data = opener.part(layout.given, start - 1, end + MARGIN)
    return survey(data, start, end, layout.header, limits)


def parts_of(opener: Opener, layout: Layout, surveys: Sequence[Survey], limits: ReaderLimits) -> list[Piece]:
    """The parts of an input, in order; one piece with all of it, and a warning, where it cannot be split exactly."""
    try:
        parts, across = combine(surveys, layout.lines, layout.ranges[-1][1])
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            list(pool.map(lambda ends: _check_across(opener, layout, ends, limits), across))
    except (UnsplittableError, InputRefusedError) as problem:
        print(f"warning: {layout.given.uri} is read by one task, more slowly: {problem}", flush=True)
        return [Piece(layout.given)]
    return [Piece(layout.given, layout.header, part) for part in parts]


def _check_across(opener: Opener, layout: Layout, ends: tuple[int, int], limits: ReaderLimits) -> None:
    """Tries the record that lies across the edge of two ranges, which neither survey has seen whole."""
    start, end = ends
    too_long = end - start > limits.max_row_bytes
    if too_long or not is_apart(opener.part(layout.given, start, end), layout.header, limits):
        raise UnsplittableError(f"a broken record across two ranges at byte {start:,}")


def pieces_of(
    opener: Opener, inputs: Iterable[Input], limits: ReaderLimits, range_bytes: int, surveyed: Surveyor
) -> list[Piece]:
    """What is to be read, in the order of the inputs and of their records: large plain inputs in parts."""
    layouts = [
        layout_of(opener, each, limits, range_bytes) if _may_be_split(each, range_bytes) else None for each in inputs
    ]
    asked = [(layout, place) for layout in layouts if layout for place in layout.ranges]
    answers = iter(surveyed(asked) if asked else ())
    pieces: list[Piece] = []
    for given, layout in zip(inputs, layouts, strict=True):
        if layout is None:
            pieces.append(Piece(given))
        else:
            pieces += parts_of(opener, layout, [next(answers) for _ in layout.ranges], limits)
    return pieces


def _may_be_split(given: Input, range_bytes: int) -> bool:
    return given.size > range_bytes and not given.uri.lower().endswith((".gz", ".zip"))
