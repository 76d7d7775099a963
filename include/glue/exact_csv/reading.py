"""Reads the files of a run in parallel: every record of every input as one row of a table.

This is the seam behind which reading may change: `read_complaints` takes the plan's inputs and returns one row a
record, and nothing else knows how. A large plain file is read in byte ranges, which all cores share, any other by one
task; what strict CSV holds is parsed at once, all else by the exact reader. Memory does not grow with a file.

Each task writes what it has read to Parquet files by itself, which Spark then reads: its rows need not go through the
JVM one by one to get there. A range is read once, before anyone knows how many records stand before it, and whether it
begins inside quotes: what it holds says so but for odd cases, which are read again once all ranges have been seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession

from exact_csv.input_bytes import Input, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.output_bytes import write_file
from exact_csv.parsed_files import files_of, rows_in
from exact_csv.parts import RANGE_BYTES, Look, Seen, Work, settled, work_of
from exact_csv.tables import tables_of
from exact_csv.task_shares import shared

_UNPACKED = 4  # times as large as it was packed
_OPENED = 64 << 10  # bytes that are read in the time that opening takes


class Read(NamedTuple):
    """What was read: a table with one row a record, how many there are, and the files in which it stands."""

    complaints: DataFrame
    rows: int
    uris: list[str]


class Written(NamedTuple):
    """A file, and how many rows it holds."""

    uri: str
    rows: int


def read_complaints(
    spark: SparkSession, inputs: Sequence[Input], limits: ReaderLimits, parsed: str, range_bytes: int = RANGE_BYTES
) -> Read:
    """Every record of the inputs: source (the URI), record, line, reason, raw and the columns, all as text.

    `reason` is null for a complaint; otherwise the columns are null and `raw` holds the record's text. An input that
    cannot be read to its end has a row with `record` 0, whose reason says why. `parsed` is the folder's URI where the
    rows are written; a task's second attempt gives its files the same names. Plain inputs of more than `range_bytes`
    are read in ranges.
    """
    opener = Opener()
    work = work_of(opener, inputs, limits, range_bytes)
    write = partial(_write, parsed.rstrip("/"), limits, range_bytes)
    first = _done(spark, work, partial(write, "part"))
    seen = {each.number: each for each in first if isinstance(each, Seen)}
    before, again = settled(opener, work, seen, limits)
    second = _done(spark, again, partial(write, "again")) if again else []
    written = [each for each in chain(first, second) if isinstance(each, Written)]
    wrong = sum(each.rows for each in seen.values() if before[each.number] is None)
    uris = [each.uri for each in written]
    return Read(rows_in(spark, uris, before), sum(each.rows for each in written) - wrong, uris)


def _done(
    spark: SparkSession, work: Sequence[Work], write: Callable[[int, Iterable[list[Work]]], Iterator[Written | Seen]]
) -> list[Written | Seen]:
    """Has the work done by a job, whose tasks have about equal shares of it."""
    lists = shared(work, _weight, spark.sparkContext.defaultParallelism)
    tasks = spark.sparkContext.parallelize(lists, max(1, len(lists)))
    return tasks.mapPartitionsWithIndex(write).collect()


def _weight(work: Work) -> int:
    """About how many bytes of text there are to some work; opening it counts as well."""
    if isinstance(work, Look):
        start, end = work.place
        return _OPENED + end - start
    given, _, part = work
    packed = _UNPACKED if given.uri.lower().endswith((".gz", ".zip")) else 1
    return _OPENED + (part.end - part.start if part else given.size * packed)


def _write(
    folder: str, limits: ReaderLimits, range_bytes: int, name: str, number: int, lists: Iterable[list[Work]]
) -> Iterator[Written | Seen]:
    """Writes the rows of a task's work to files; each of these, and what came of looks."""
    opener, seen = Opener(), list[Seen]()
    tables = (
        table
        for work in chain.from_iterable(lists)
        for table in tables_of(opener, work, limits, range_bytes, seen.append)
        if table.num_rows
    )
    for count, (content, rows) in enumerate(files_of(tables)):
        uri = f"{folder}/{name}-{number:05d}-{count:05d}.parquet"
        write_file(uri, content)
        yield Written(uri, rows)
    yield from seen
