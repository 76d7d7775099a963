"""Reads the files of a run in parallel: every record of every input as one row of a table.

This is the seam behind which reading may change: `read_complaints` takes the plan's inputs and returns one row a
record, and nothing else knows how. A large plain file is read in byte ranges, which all cores share, any other by one
task; what strict CSV holds is parsed at once, all else by the exact reader. Memory does not grow with a file.

Each task writes what it has read to Parquet files by itself, which Spark then reads: its rows need not go through the
JVM one by one to get there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from io import BytesIO
from itertools import chain
from typing import BinaryIO, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from complaint_columns import COLUMNS, IDENTIFIER, REQUIRED
from complaints_csv import Record, records, records_behind
from csv_parts import RANGE_BYTES, SMALL_BYTES, Layout, Piece, layout_of, parts_of, pieces_of, survey_of
from csv_ranges import Case, Survey
from csv_tables import table_of
from input_bytes import Input, InputRefusedError, Opener
from input_formats import text_pieces
from output_bytes import write_file
from pyspark import RDD
from pyspark.sql import DataFrame, SparkSession
from reader_limits import ReaderLimits
from task_shares import shared

# `record` counts from 1 without a gap in each file, so its maximum is the number of records that were read; the
# record 0 is a file that could not be read to its end.
_SCHEMA = pa.schema(
    [("source", pa.dictionary(pa.int32(), pa.string())), ("record", pa.int64()), ("line", pa.int64())]
    + [("reason", pa.string()), ("raw", pa.string())]
    + [(name, pa.string()) for name in COLUMNS]
)
SPARK_SCHEMA = "source string, record long, line long, reason string, raw string, " + ", ".join(
    f"{name} string" for name in COLUMNS
)
# Nobody looks for a value in these files, and no two narratives or ids are alike.
_PARQUET = {
    "write_statistics": False,
    "use_dictionary": [name for name in _SCHEMA.names if name not in ("record", "raw", IDENTIFIER, REQUIRED)],
}
_FILE_BYTES = 32 << 20  # of Parquet, where a file ends: a task holds one in memory

_TABLE_ROWS, _TABLE_CHARACTERS = 20_000, 32_000_000  # what is written at a time, whichever comes first
_SAID_EVERY = 5_000  # rows
_UNPACKED = 4  # times as large as it was packed
_OPENED = 64 << 10  # bytes that are read in the time that opening takes

Work = TypeVar("Work")


class Read(NamedTuple):
    """What was read: a table with one row a record, how many there are, and the files in which it stands."""

    complaints: DataFrame
    rows: int
    uris: list[str]


def read_complaints(
    spark: SparkSession, inputs: Sequence[Input], limits: ReaderLimits, parsed: str, range_bytes: int = RANGE_BYTES
) -> Read:
    """Every record of the inputs: source (the URI), record, line, reason, raw and the columns, all as text.

    `reason` is null for a complaint; otherwise the columns are null and `raw` holds the record's text. An input that
    cannot be read to its end has a row with `record` 0, whose reason says why. `parsed` is the folder's URI where the
    rows are written; a task's second attempt gives its files the same names. Plain inputs of more than `range_bytes`
    are surveyed by a first job, and read in ranges by a second.
    """
    pieces = pieces_of(Opener(), inputs, limits, range_bytes, partial(_surveyed, spark, limits))
    write = partial(_write, parsed.rstrip("/"), limits, range_bytes)
    written = _tasks(spark, pieces, _weight).mapPartitionsWithIndex(write).collect()
    uris = [uri for uri, _ in written]
    found = spark.read.schema(SPARK_SCHEMA).parquet(*uris) if uris else spark.createDataFrame([], SPARK_SCHEMA)
    return Read(found, sum(rows for _, rows in written), uris)


def records_of(opener: Opener, given: Input, limits: ReaderLimits) -> Iterator[Record]:
    """The records of one input, in order, as the exact reader finds them."""
    try:
        stream = opener.open(given)
    except InputRefusedError as refused:
        yield Record(0, 0, str(refused), None, {})
        return
    with closing(stream):
        yield from records(text_pieces(stream, limits), limits)


def tables_of(opener: Opener, piece: Piece, limits: ReaderLimits, range_bytes: int) -> Iterator[pa.Table]:
    """The rows of a piece, in order."""
    given = piece.given
    if piece.part is None and SMALL_BYTES < given.size <= range_bytes:
        yield from _small(opener, given, limits)
    elif piece.part is None:
        yield from _tables(given.uri, records_of(opener, given, limits))
    else:
        yield from _part(opener, piece, limits)


def _small(opener: Opener, given: Input, limits: ReaderLimits) -> Iterator[pa.Table]:
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


def _part(opener: Opener, piece: Piece, limits: ReaderLimits) -> Iterator[pa.Table]:
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
    yield table
    print(f"read {part.records + table.num_rows:,} rows of {given.uri}", flush=True)


def _surveyed(
    spark: SparkSession, limits: ReaderLimits, asked: Sequence[tuple[Layout, tuple[int, int]]]
) -> list[Survey]:
    """The surveys of all ranges, in their order."""
    return _tasks(spark, asked, lambda one: one[1][1] - one[1][0]).mapPartitions(partial(_survey, limits)).collect()


def _tasks(spark: SparkSession, work: Sequence[Work], weight: Callable[[Work], int]) -> RDD[list[Work]]:
    """One list of work for each task."""
    lists = shared(work, weight, spark.sparkContext.defaultParallelism)
    return spark.sparkContext.parallelize(lists, max(1, len(lists)))


def _weight(piece: Piece) -> int:
    """About how many bytes of text there are to a piece; opening it counts as well."""
    given, _, part = piece
    packed = _UNPACKED if given.uri.lower().endswith((".gz", ".zip")) else 1
    return _OPENED + (part.end - part.start if part else given.size * packed)


def _survey(limits: ReaderLimits, lists: Iterable[list[tuple[Layout, tuple[int, int]]]]) -> Iterator[Survey]:
    opener = Opener()
    for layout, place in chain.from_iterable(lists):
        try:
            yield survey_of(opener, layout, place, limits)
        except InputRefusedError as refused:
            yield Survey(0, 0, Case(str(refused)), Case(str(refused)))


def _write(
    folder: str, limits: ReaderLimits, range_bytes: int, number: int, lists: Iterable[list[Piece]]
) -> Iterator[tuple[str, int]]:
    """Writes the rows of a task's pieces to files; the URI of each, and how many rows it holds."""
    opener = Opener()
    tables = (
        table
        for piece in chain.from_iterable(lists)
        for table in tables_of(opener, piece, limits, range_bytes)
        if table.num_rows
    )
    for count, (content, rows) in enumerate(_files(tables)):
        uri = f"{folder}/part-{number:05d}-{count:05d}.parquet"
        write_file(uri, content)
        yield uri, rows


def _files(tables: Iterator[pa.Table]) -> Iterator[tuple[BinaryIO, int]]:
    """Parquet files of whole tables, each closed once it has the size, and how many rows it holds."""
    for first in tables:
        file, rows = BytesIO(), 0
        with pq.ParquetWriter(file, _SCHEMA, **_PARQUET) as writer:
            for table in chain((first,), tables):
                writer.write(table)
                rows += table.num_rows
                if file.tell() > _FILE_BYTES:
                    break
        yield file, rows


def _tables(source: str, found: Iterator[Record]) -> Iterator[pa.Table]:
    for rows in _batches(source, found):
        columns = [
            [source] * len(rows),
            [row.record for row in rows],
            [row.line for row in rows],
            [row.reason for row in rows],
            [row.raw for row in rows],
            *([row.fields.get(name) for row in rows] for name in COLUMNS),
        ]
        yield pa.table([pa.array(c, t) for c, t in zip(columns, _SCHEMA.types, strict=True)], schema=_SCHEMA)


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
