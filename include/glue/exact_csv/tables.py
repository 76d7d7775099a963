"""The rows of a piece of work as Arrow tables: of a range of a large file, or of a whole file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from exact_csv.columns import Header
from exact_csv.inputs import InputRefusedError, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.ranges import Case, Part, Sight, Survey, survey
from exact_csv.row_tables import exact_tables, whole_tables
from exact_csv.splitting import Look, Piece, Seen, Work, sight_in
from exact_csv.strict_reader import Place
from exact_csv.structure import blank
from exact_csv.tolerant_reader import Record
from exact_csv.whole_files import FileHeader, tables_of_file

_FIRST_RECORDS = 3  # are tried, to guess where a range begins, inside or outside quotes


def tables_of(
    opener: Opener, work: Work, limits: ReaderLimits, found: Callable[[Seen | FileHeader], object]
) -> Iterator[pa.Table]:
    """The rows of some work, in order. `found` is called with the survey of a range, or with the header of a file."""
    if isinstance(work, Look):
        yield from _look(opener, work, limits, found)
    elif work.header is not None and work.part is not None:
        yield from _part(opener, work, work.header, work.part, limits)
    else:
        for each in tables_of_file(opener, work.given, limits, is_strict=work.is_strict):
            if isinstance(each, FileHeader):
                found(each)
            else:
                yield each


def _look(opener: Opener, look: Look, limits: ReaderLimits, found: Callable[[Seen], object]) -> Iterator[pa.Table]:
    """The whole records of a range, outside or inside quotes as its first records suggest; none where they do not."""
    layout, place, number = look
    try:
        sight = sight_in(opener, layout.given, place)
    except InputRefusedError as refused:
        found(Seen(number, Survey(0, 0, Case(str(refused)), Case(str(refused))), None, 0))
        return
    surveyed = survey(sight)
    cases = {False: surveyed.outside, True: surveyed.inside}
    possible = [each for each, case in cases.items() if not case.fault and case.first >= 0]
    if len(possible) > 1:
        possible = [each for each in possible if _begins_with_rows(sight, each, layout.header)]
    inside = next(iter(possible), None)
    rows = 0
    if inside is not None:
        for table in _whole(layout.given.uri, layout.header, sight, inside, limits, Place(number)):
            rows += table.num_rows
            yield table
    found(Seen(number, surveyed, inside, rows))


def _begins_with_rows(sight: Sight, inside: bool, header: Header) -> bool:
    """True where a range's first records, in this case, have the header's number of fields."""
    _, whole = sight.begins(inside)
    starts = whole[:-1]
    first = np.flatnonzero(~blank(sight.stretch.text, starts))[:_FIRST_RECORDS].tolist()
    texts = (sight.stretch.data[whole[each] : whole[each + 1]].decode("utf-8", "replace") for each in first)
    try:
        return bool(first) and all(len(next(csv.reader([text]))) == len(header.columns) for text in texts)
    except csv.Error:
        return False


def _part(opener: Opener, piece: Piece, header: Header, part: Part, limits: ReaderLimits) -> Iterator[pa.Table]:
    uri = piece.given.uri
    try:
        # As a range it has the newline before its first record, and not that before the record behind it.
        sight = sight_in(opener, piece.given, (part.start - 1, part.end - 1))
    except InputRefusedError as refused:
        yield from exact_tables(uri, iter([Record(0, part.lines, str(refused), None)]))
        return
    yield from _whole(uri, header, sight, False, limits, Place(0, part.records, part.lines))


def _whole(uri: str, header: Header, sight: Sight, inside: bool, limits: ReaderLimits, at: Place) -> Iterator[pa.Table]:
    """The rows of the whole records that begin in a range."""
    _, whole = sight.begins(inside)
    yield from whole_tables(uri, sight.stretch, whole, header, limits, at)
