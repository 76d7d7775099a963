"""Reads the files of a run in parallel: every record of every input as one row of a table.

This is the seam behind which reading may change: `read_complaints` takes the plan's inputs and returns one row a
record, and nothing else knows how. A large plain file is read in byte ranges by as many tasks as there are, any other
by one; what strict CSV holds is parsed at once, all else by the exact reader. Memory does not grow with a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain

import pyarrow as pa
from complaint_columns import COLUMNS
from complaints_csv import Record, records, records_behind
from csv_parts import RANGE_BYTES, SMALL_BYTES, Layout, Piece, layout_of, parts_of, pieces_of, survey_of
from csv_ranges import Case, Survey
from csv_tables import table_of
from input_bytes import Input, InputRefusedError, Opener
from input_formats import text_pieces
from pyspark.sql import DataFrame, SparkSession
from reader_limits import ReaderLimits

# `record` counts from 1 without a gap in each file, so its maximum is the number of records that were read; the
# record 0 is a file that could not be read to its end.
_SCHEMA = pa.schema(
    [("source", pa.string()), ("record", pa.int64()), ("line", pa.int64())]
    + [("reason", pa.string()), ("raw", pa.string())]
    + [(name, pa.string()) for name in COLUMNS]
)
SPARK_SCHEMA = "source string, record long, line long, reason string, raw string, " + ", ".join(
    f"{name} string" for name in COLUMNS
)
_CASE = "struct<fault: string, first: long, last: long, records: long, lines_before_first: long>"
_SURVEY_SCHEMA = f"quotes long, lines long, outside {_CASE}, inside {_CASE}"
_CASE_TYPE = pa.struct([("fault", pa.string()), *((name, pa.int64()) for name in Case._fields[1:])])
_SURVEY_TYPE = pa.schema(
    [("quotes", pa.int64()), ("lines", pa.int64()), ("outside", _CASE_TYPE), ("inside", _CASE_TYPE)]
)

_BATCH_ROWS, _BATCH_CHARACTERS = 5_000, 8_000_000  # what is handed to Spark at a time, whichever comes first
_SAID_EVERY = 5_000  # rows
_MOST_TASKS = 1_000


def read_complaints(
    spark: SparkSession, inputs: Sequence[Input], limits: ReaderLimits, range_bytes: int = RANGE_BYTES
) -> DataFrame:
    """Every record of the inputs: source (the URI), record, line, reason, raw and the columns, all as text.

    `reason` is null for a complaint; otherwise the columns are null and `raw` holds the record's text. An input that
    cannot be read to its end has a row with `record` 0, whose reason says why. Plain inputs of more than `range_bytes`
    are surveyed at once, by a first job, and read in ranges when the rows are asked for.
    """
    pieces = pieces_of(Opener(), inputs, limits, range_bytes, partial(_surveyed, spark, limits))
    tasks = spark.range(0, len(pieces), 1, numPartitions=max(1, min(len(pieces), _MOST_TASKS)))
    return tasks.mapInArrow(partial(_read, pieces, limits, range_bytes), SPARK_SCHEMA)


def records_of(opener: Opener, given: Input, limits: ReaderLimits) -> Iterator[Record]:
    """The records of one input, in order, as the exact reader finds them."""
    try:
        stream = opener.open(given)
    except InputRefusedError as refused:
        yield Record(0, 0, str(refused), None, {})
        return
    with closing(stream):
        yield from records(text_pieces(stream, limits), limits)


def tables_of(opener: Opener, piece: Piece, limits: ReaderLimits, range_bytes: int) -> Iterator[pa.RecordBatch]:
    """The rows of a piece, in order."""
    given = piece.given
    if piece.part is None and SMALL_BYTES < given.size <= range_bytes:
        yield from _small(opener, given, limits)
    elif piece.part is None:
        yield from _tables(given.uri, records_of(opener, given, limits))
    else:
        yield from _part(opener, piece, limits)


def _small(opener: Opener, given: Input, limits: ReaderLimits) -> Iterator[pa.RecordBatch]:
    """An input of one range, by the same way as a larger one, in one task."""
    layout = layout_of(opener, given, limits, given.size)
    try:
        surveys = [survey_of(opener, layout, place, limits) for place in layout.ranges] if layout else []
    except InputRefusedError:
        layout = None  # as the exact reader will say
    found = parts_of(opener, layout, surveys, limits) if layout else [Piece(given)]
    for piece in found:
        yield from (
            _part(opener, piece, limits) if piece.part else _tables(given.uri, records_of(opener, given, limits))
        )


def _part(opener: Opener, piece: Piece, limits: ReaderLimits) -> Iterator[pa.RecordBatch]:
    given, header, part = piece
    assert part is not None
    try:
        data = opener.part(given, part.start, part.end)
    except InputRefusedError as refused:
        yield from _tables(given.uri, iter([Record(0, part.lines, str(refused), None, {})]))
        return
    table = table_of(given.uri, data, part, header, _SCHEMA)
    if table is None:
        yield from _tables(given.uri, records_behind(header, (data,), limits, part.records, part.lines))
        return
    yield from table.to_batches(max_chunksize=_BATCH_ROWS)
    print(f"read {part.records + table.num_rows:,} rows of {given.uri}", flush=True)


def _surveyed(
    spark: SparkSession, limits: ReaderLimits, asked: Sequence[tuple[Layout, tuple[int, int]]]
) -> list[Survey]:
    """The surveys of all ranges, by as many tasks."""
    tasks = spark.range(0, len(asked), 1, numPartitions=min(len(asked), _MOST_TASKS))
    found = tasks.mapInArrow(partial(_survey, list(asked), limits), _SURVEY_SCHEMA).collect()
    return [Survey(row.quotes, row.lines, Case(*row.outside), Case(*row.inside)) for row in found]


def _survey(
    asked: Sequence[tuple[Layout, tuple[int, int]]], limits: ReaderLimits, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    opener = Opener()
    for number in chain.from_iterable(batch.column("id").to_pylist() for batch in batches):
        try:
            layout, place = asked[number]
            found = survey_of(opener, layout, place, limits)
        except InputRefusedError as refused:
            found = Survey(0, 0, Case(str(refused)), Case(str(refused)))
        row = found._asdict() | {"outside": found.outside._asdict(), "inside": found.inside._asdict()}
        yield pa.RecordBatch.from_pylist([row], _SURVEY_TYPE)


def _read(
    pieces: Sequence[Piece], limits: ReaderLimits, range_bytes: int, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    opener = Opener()
    for number in chain.from_iterable(batch.column("id").to_pylist() for batch in batches):
        yield from tables_of(opener, pieces[number], limits, range_bytes)


def _tables(source: str, found: Iterator[Record]) -> Iterator[pa.RecordBatch]:
    for rows in _batches(source, found):
        columns = [
            [source] * len(rows),
            [row.record for row in rows],
            [row.line for row in rows],
            [row.reason for row in rows],
            [row.raw for row in rows],
            *([row.fields.get(name) for row in rows] for name in COLUMNS),
        ]
        yield pa.record_batch([pa.array(c, t) for c, t in zip(columns, _SCHEMA.types, strict=True)], _SCHEMA)


def _batches(source: str, found: Iterator[Record]) -> Iterator[list[Record]]:
    rows: list[Record] = []
    characters = 0
    for row in found:
        rows.append(row)
        characters += len(row.raw or "") + sum(map(len, row.fields.values()))
        if row.record % _SAID_EVERY == 0 and row.record:
            print(f"read {row.record:,} rows of {source}", flush=True)
        if len(rows) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield rows
            rows, characters = [], 0
    if rows:
        if rows[-1].record % _SAID_EVERY:
            print(f"read {rows[-1].record:,} rows of {source}", flush=True)
        yield rows
