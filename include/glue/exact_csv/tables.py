"""The rows of a piece of work as Arrow tables: at once where a file is strict CSV, else from the exact reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pyarrow as pa

from exact_csv.columns import COLUMNS
from exact_csv.formats import text_pieces
from exact_csv.input_bytes import Input, InputRefusedError, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.parts import SMALL_BYTES, Look, Piece, Seen, Work, found_in, layout_of, sight_in
from exact_csv.ranges import Case, Sight, Survey, survey
from exact_csv.records import Record, records, records_behind
from exact_csv.strict import SCHEMA, Place, table_of

_TABLE_ROWS, _TABLE_CHARACTERS = 20_000, 32_000_000  # what the exact reader hands on at a time, whichever comes first
_SAID_EVERY = 5_000  # rows


def tables_of(
    opener: Opener, work: Work, limits: ReaderLimits, range_bytes: int, seen: Callable[[Seen], object]
) -> Iterator[pa.Table]:
    """The rows of some work, in order; what came of a look is said to `seen`, behind its last table."""
    if isinstance(work, Look):
        yield from _look(opener, work, limits, seen)
    elif work.part is not None:
        yield from _part(opener, work, limits)
    elif SMALL_BYTES < work.given.size <= range_bytes:
        yield from _small(opener, work.given, limits)
    else:
        yield from exact_tables(work.given.uri, records_of(opener, work.given, limits))


def records_of(opener: Opener, given: Input, limits: ReaderLimits) -> Iterator[Record]:
    """The records of one input, in order, as the exact reader finds them."""
    try:
        stream = opener.open(given)
    except InputRefusedError as refused:
        yield Record(0, 0, str(refused), None, {})
        return
    with closing(stream):
        yield from records(text_pieces(stream, limits), limits)


def _look(opener: Opener, look: Look, limits: ReaderLimits, seen: Callable[[Seen], object]) -> Iterator[pa.Table]:
    """The whole records of a range, as if it began outside quotes if it can, else inside; none where neither is so."""
    layout, place, number = look
    try:
        sight = sight_in(opener, layout.given, place)
    except InputRefusedError as refused:
        seen(Seen(number, Survey(0, 0, Case(str(refused)), Case(str(refused))), None, 0))
        return
    found = survey(sight, layout.header, limits)
    cases = {False: found.outside, True: found.inside}
    inside = next((each for each, case in cases.items() if not case.fault and case.first >= 0), None)
    rows = 0
    if inside is not None:
        for table in _whole(layout.given.uri, layout.header, sight, inside, limits, Place(number)):
            rows += table.num_rows
            yield table
    seen(Seen(number, found, inside, rows))


def _small(opener: Opener, given: Input, limits: ReaderLimits) -> Iterator[pa.Table]:
    """An input of one range, whose first line begins outside quotes."""
    layout = layout_of(opener, given, limits, given.size)
    found = sight = None
    if layout:
        try:
            sight = sight_in(opener, given, layout.ranges[0])
        except InputRefusedError:
            pass  # as the exact reader will say
        else:
            found = found_in(opener, layout, [survey(sight, layout.header, limits)], limits)
    if layout is None or sight is None or found is None:
        yield from exact_tables(given.uri, records_of(opener, given, limits))
        return
    for _, inside, part, _ in found:
        yield from _whole(given.uri, layout.header, sight, inside, limits, Place(0, part.records, part.lines))


def _part(opener: Opener, piece: Piece, limits: ReaderLimits) -> Iterator[pa.Table]:
    given, header, part = piece
    assert part is not None
    try:
        # As a range it has the newline before its first record, and not that before the record behind it.
        sight = sight_in(opener, given, (part.start - 1, part.end - 1))
    except InputRefusedError as refused:
        yield from exact_tables(given.uri, iter([Record(0, part.lines, str(refused), None, {})]))
        return
    yield from _whole(given.uri, header, sight, False, limits, Place(0, part.records, part.lines))


def _whole(
    uri: str, header: Sequence[str], sight: Sight, inside: bool, limits: ReaderLimits, at: Place
) -> Iterator[pa.Table]:
    """The whole records that begin in a range."""
    _, whole = sight.begins(inside)
    if len(whole) < 2:
        return
    table = table_of(uri, sight, whole, header, at)
    if table is None:
        data = sight.data[whole[0] : whole[-1]]
        yield from exact_tables(uri, records_behind(header, (data,), limits, at.records, at.lines), at.part)
        return
    yield table
    print(f"read {table.num_rows:,} rows of {uri} from byte {sight.place(whole[0]):,} on", flush=True)


def exact_tables(source: str, found: Iterator[Record], part: int = 0) -> Iterator[pa.Table]:
    """Records as tables of bounded size."""
    for rows in _batches(source, found):
        columns = [
            [part] * len(rows),
            [source] * len(rows),
            [row.record for row in rows],
            [row.line for row in rows],
            [row.reason for row in rows],
            [row.raw for row in rows],
            *([row.fields.get(name) for row in rows] for name in COLUMNS),
        ]
        yield pa.table([pa.array(c, t) for c, t in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)


def _batches(source: str, found: Iterator[Record]) -> Iterator[list[Record]]:
    rows: list[Record] = []
    characters = 0
    for row in found:
        rows.append(row)
        characters += len(row.raw or "") + sum(map(len, row.fields.values()))
        if row.record % _SAID_EVERY == 0 and row.record:
            print(f"read {row.record:,} rows of {source}", flush=True)
        if len(rows) == _TABLE_ROWS or characters > _TABLE_CHARACTERS:
            yield rows
            rows, characters = [], 0
    if rows:
        if rows[-1].record % _SAID_EVERY:
            print(f"read {rows[-1].record:,} rows of {source}", flush=True)
        yield rows
