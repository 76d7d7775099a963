"""Rows as Arrow tables of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from exact_csv.columns import COLUMNS, Header
from exact_csv.inputs import InputRefusedError
from exact_csv.limits import ReaderLimits
from exact_csv.strict_reader import BLOCK_BYTES, SCHEMA, Place, records_of_slice, slices, table_of
from exact_csv.structure import Places, Stretch
from exact_csv.tolerant_reader import Record

# Of one table of records that were read one by one, whichever comes first.
_TABLE_ROWS, _TABLE_CHARACTERS = 20_000, 32_000_000
_LOGGED_EVERY = 5_000  # rows
_FEWEST_BYTES = 1 << 16  # are not divided further, to find what can be parsed at once


def whole_tables(
    uri: str,
    stretch: Stretch,
    whole: Places,
    header: Header,
    limits: ReaderLimits,
    at: Place,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[pa.Table]:
    """The rows of whole records of strict CSV: at once where all of a slice are complaints, else one by one."""
    ready: list[pa.Table] = []
    for each in slices(stretch, whole, at, block_bytes):
        table = table_of(uri, each, header, limits)
        if table is not None:
            ready.append(table)
            continue
        yield from _joined(uri, ready)
        if block_bytes > _FEWEST_BYTES < each.size:
            # Most of a slice can still be parsed at once.
            yield from whole_tables(uri, stretch, each.whole, header, limits, each.place, block_bytes // 16)
            continue
        try:
            yield from exact_tables(uri, records_of_slice(each, header, limits), at.part)
        except InputRefusedError as refused:
            yield from exact_tables(uri, iter([Record(0, each.place.lines, str(refused), None)]), at.part)
            return
    yield from _joined(uri, ready)


def _joined(uri: str, ready: list[pa.Table]) -> Iterator[pa.Table]:
    """One table of those that are ready, which are taken away."""
    if ready:
        table = pa.concat_tables(ready)
        ready.clear()
        print(f"read {table.num_rows:,} rows of {uri}", flush=True)
        yield table


def exact_tables(source: str, found: Iterator[Record], part: int = 0) -> Iterator[pa.Table]:
    """Records as tables."""
    for rows in _batches(source, found):
        columns = [
            [part] * len(rows),
            [source] * len(rows),
            [row.record for row in rows],
            [row.line for row in rows],
            [row.reason for row in rows],
            [row.raw for row in rows],
            [row.in_open_quote or None for row in rows],
            *([row.fields.get(name) for row in rows] for name in COLUMNS),
        ]
        yield pa.table([pa.array(c, t) for c, t in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)


def _batches(source: str, found: Iterator[Record]) -> Iterator[list[Record]]:
    rows: list[Record] = []
    characters = 0
    for row in found:
        rows.append(row)
        characters += len(row.raw or "") + sum(map(len, row.fields.values()))
        if row.record % _LOGGED_EVERY == 0 and row.record:
            print(f"read {row.record:,} rows of {source}", flush=True)
        if len(rows) == _TABLE_ROWS or characters > _TABLE_CHARACTERS:
            yield rows
            rows, characters = [], 0
    if rows:
        if rows[-1].record % _LOGGED_EVERY:
            print(f"read {rows[-1].record:,} rows of {source}", flush=True)
        yield rows
