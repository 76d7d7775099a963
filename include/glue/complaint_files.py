"""Reads the files of a run in parallel: every record of every input as one row of a table.

This is the seam behind which reading may change: `read_complaints` takes the plan's inputs and returns one row a
record, and nothing else knows how. In this form one Spark task streams one input; its memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial

import pyarrow as pa
from complaint_columns import COLUMNS
from complaints_csv import Record, records
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

_BATCH_ROWS, _BATCH_CHARACTERS = 5_000, 8_000_000  # what is handed to Spark at a time, whichever comes first
_SAID_EVERY = 5_000  # rows
_MOST_TASKS = 1_000


def read_complaints(spark: SparkSession, inputs: Sequence[Input], limits: ReaderLimits) -> DataFrame:
    """Every record of the inputs: source (the URI), record, line, reason, raw and the columns, all as text.

    `reason` is null for a complaint; otherwise the columns are null and `raw` holds the record's text. An input that
    cannot be read to its end has a row with `record` 0, whose reason says why.
    """
    tasks = spark.range(0, len(inputs), 1, numPartitions=max(1, min(len(inputs), _MOST_TASKS)))
    return tasks.mapInArrow(partial(_read, list(inputs), limits), SPARK_SCHEMA)


def records_of(opener: Opener, given: Input, limits: ReaderLimits) -> Iterator[Record]:
    """The records of one input, in order."""
    try:
        stream = opener.open(given)
    except InputRefusedError as refused:
        yield Record(0, 0, str(refused), None, {})
        return
    with closing(stream):
        yield from records(text_pieces(stream, limits), limits)


def _read(inputs: Sequence[Input], limits: ReaderLimits, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    opener = Opener()
    for batch in batches:
        for place in batch.column("id").to_pylist():
            yield from _tables(inputs[place].uri, records_of(opener, inputs[place], limits))


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
