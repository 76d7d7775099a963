"""Reads the files of a run in parallel: every record of every input as one row of a table.

A large plain file is read in byte ranges, which all cores share, any other file by one task. Strict CSV is parsed many
rows at a time, other CSV line by line. Memory does not grow with a file.

Each task writes what it has read to Parquet files by itself, which Spark then reads: its rows need not go through the
JVM one by one to get there. A range is read before the number of records before it is known, and whether it begins
inside quotes: nearly always its content shows that. The other ranges are read again once all have been surveyed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeAlias

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from exact_csv.balancing import shared
from exact_csv.inputs import Input, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.outputs import write_file
from exact_csv.parquet_files import AS_READ, Numbering, Rewriting, files_of, rows_in
from exact_csv.splitting import RANGE_BYTES, Look, Seen, Work, settled, work_of
from exact_csv.tables import tables_of
from exact_csv.whole_files import FileHeader

_UNPACKED = 4  # times as large as it was packed
_OPENED = 64 << 10  # bytes that are read in the time that opening takes


class Written(NamedTuple):
    """A file, its bytes, and the number of its rows."""

    uri: str
    size: int
    rows: int


class Read(NamedTuple):
    """What was read: the number of records, the files that hold a row for each, and how these are to be numbered.

    `may_number_rows` are the inputs whose ids come from a column that may hold row numbers.
    """

    spark: SparkSession
    files: list[Written]
    numbering: Numbering
    schema: pa.Schema
    rows: int
    may_number_rows: list[str]

    @property
    def complaints(self) -> DataFrame:
        """A table with one row a record."""
        return rows_in(self.spark, [each.uri for each in self.files], self.numbering, self.schema)


Answer: TypeAlias = Written | Seen | FileHeader  # of a task


def read_complaints(
    spark: SparkSession,
    inputs: Sequence[Input],
    limits: ReaderLimits,
    parsed: str,
    range_bytes: int = RANGE_BYTES,
    rewriting: Rewriting = AS_READ,
) -> Read:
    """Every record of the inputs: source (the URI), record, line, reason, raw, in_open_quote and the columns.

    `reason` is null for a complaint; otherwise the columns are null and `raw` holds the record's text. A complaint that
    may be a line of a narrative, behind a quote that is not closed, has `in_open_quote` and its raw text. An input that
    cannot be read to its end has a row with `record` 0, whose reason says why. `parsed` is the folder's URI where the
    rows are written; a task's second attempt gives its files the same names. Plain inputs of more than `range_bytes`
    are read in ranges. `rewriting` changes the rows, and their columns, before they are written.
    """
    opener = Opener()
    work = work_of(opener, inputs, limits, range_bytes)
    write = partial(_write, parsed.rstrip("/"), limits, rewriting)
    first = _done(spark, work, partial(write, "part"))
    seen = {each.number: each for each in first if isinstance(each, Seen)}
    before, again = settled(work, seen, limits)
    second = _done(spark, again, partial(write, "again")) if again else []
    written = [each for each in chain(first, second) if isinstance(each, Written)]
    wrong = sum(each.rows for each in seen.values() if before[each.number] is None)
    headers = [FileHeader(each.layout.given.uri, each.layout.header, 0, 0) for each in work if isinstance(each, Look)]
    headers += [each for each in chain(first, second) if isinstance(each, FileHeader)]
    for uri, ignored in {each.uri: each.header.ignored for each in headers}.items():
        if ignored:
            print(f"warning: {uri}: ignored, as other columns have their content: {', '.join(ignored)}", flush=True)
    may_number_rows = sorted({each.uri for each in headers if each.header.may_number_rows})
    rows = sum(each.rows for each in written) - wrong
    return Read(spark, written, before, rewriting.schema, rows, may_number_rows)


def _done(
    spark: SparkSession, work: Sequence[Work], write: Callable[[int, Iterable[list[Work]]], Iterator[Answer]]
) -> list[Answer]:
    """Runs the work as one Spark job, whose tasks have about equal shares of it."""
    lists = shared(work, _weight, spark.sparkContext.defaultParallelism)
    tasks = spark.sparkContext.parallelize(lists, max(1, len(lists)))
    return tasks.mapPartitionsWithIndex(write).collect()


def _weight(work: Work) -> int:
    """The approximate number of bytes of text in some work, plus the cost of opening it."""
    if isinstance(work, Look):
        start, end = work.place
        return _OPENED + end - start
    given, part = work.given, work.part
    packed = _UNPACKED if given.uri.lower().endswith((".gz", ".zip")) else 1
    return _OPENED + (part.end - part.start if part else given.size * packed)


def _write(
    folder: str, limits: ReaderLimits, rewriting: Rewriting, name: str, number: int, lists: Iterable[list[Work]]
) -> Iterator[Answer]:
    """Writes the rows of a task's work to files; each of these, and what it found out about ranges and files."""
    opener, found = Opener(), list[Seen | FileHeader]()
    tables = (
        rewriting.rows(table)
        for work in chain.from_iterable(lists)
        for table in tables_of(opener, work, limits, found.append)
        if table.num_rows
    )
    for count, (content, rows) in enumerate(files_of(tables, rewriting.schema)):
        uri = f"{folder}/{name}-{number:05d}-{count:05d}.parquet"
        size = content.tell()
        write_file(uri, content)
        yield Written(uri, size, rows)
    yield from found
