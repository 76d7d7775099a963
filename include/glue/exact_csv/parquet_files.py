"""The Parquet files that tasks write, and the table that Spark reads from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from io import BytesIO
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from exact_csv.columns import IDENTIFIER, REQUIRED
from exact_csv.inputs import Input, Opener
from exact_csv.strict_reader import SCHEMA

_FILE_BYTES = 32 << 20  # of Parquet, where a file ends: a task holds one in memory
# No two are alike.
_WITHOUT_DICTIONARY = frozenset({"record", "line", "raw", "narrative", IDENTIFIER, REQUIRED})
_SPARK_TYPES = {
    pa.int32(): "int",
    pa.int64(): "long",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.list_(pa.string()): "array<string>",
}
# The numbers of records and lines before each part, and None for a part whose rows are not used.
Numbering: TypeAlias = Sequence[tuple[int, int] | None]


class Rewriting(NamedTuple):
    """What tasks write of the rows that they read: `rows` turns a table of `SCHEMA` into one of `schema`, row for row.

    Both have part, source, record and line.
    """

    schema: pa.Schema
    rows: Callable[[pa.Table], pa.Table]


def _unchanged(rows: pa.Table) -> pa.Table:
    return rows


AS_READ = Rewriting(SCHEMA, _unchanged)


def spark_schema(schema: pa.Schema) -> str:
    """The schema in Spark's words; without `part`, which a reader does not see."""
    columns = (field for field in schema if field.name != "part")
    return ", ".join(f"{field.name} {_SPARK_TYPES.get(field.type, 'string')}" for field in columns)


def files_of(tables: Iterator[pa.Table], schema: pa.Schema = SCHEMA) -> Iterator[tuple[BinaryIO, int]]:
    """Parquet files of whole tables, each closed once it has its size, and the number of its rows."""
    # Nobody looks for a value in these files.
    repeated = [field.name for field in schema if field.name not in _WITHOUT_DICTIONARY]
    for first in tables:
        file, rows = BytesIO(), 0
        with pq.ParquetWriter(file, schema, write_statistics=False, use_dictionary=repeated) as writer:
            for table in chain((first,), tables):
                writer.write(table)
                rows += table.num_rows
                if file.tell() > _FILE_BYTES:
                    break
        yield file, rows


def rows_in(spark: SparkSession, uris: Sequence[str], before: Numbering, schema: pa.Schema = SCHEMA) -> DataFrame:
    """The rows in such files, numbered as in their inputs."""
    if not uris:
        return spark.createDataFrame([], spark_schema(schema))
    found = spark.read.schema(f"part int, {spark_schema(schema)}").parquet(*uris)
    # One constant that is looked up by place, however many parts there are.
    records, lines = (
        f"from_json('{json.dumps([each and each[place] for each in before])}', 'array<bigint>')[part]"
        for place in (0, 1)
    )
    columns = [name for name in schema.names if name not in ("part", "source", "record", "line")]
    # The record 0 stands for the whole file.
    record = f"if(record = 0 AND {records} IS NOT NULL, 0, record + {records}) AS record"
    numbered = found.selectExpr("source", record, f"line + {lines} AS line", *columns)
    return numbered if all(before) else numbered.where("record IS NOT NULL")


def tables_in(uri: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of such a file, or some columns of them, as the tables that were written; a file is held in memory."""
    with closing(Opener().open(Input(uri))) as stream:
        content = b"".join(iter(lambda: stream.read(stream.size), b""))
    file = pq.ParquetFile(pa.BufferReader(content))
    for place in range(file.num_row_groups):
        yield file.read_row_group(place, columns, use_threads=False).combine_chunks()


def numbered(rows: pa.Table, before: Numbering) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Rows of such a file, numbered as in their inputs, and the place of each among those given."""
    parts, part = np.unique(_integers(rows["part"], np.int32), return_inverse=True)
    of_parts = [before[each] for each in parts.tolist()]
    used = np.array([each is not None for each in of_parts], np.bool_)[part]
    more = np.array([each or (0, 0) for each in of_parts], np.int64).reshape(-1, 2)[part]
    for place, name in enumerate(("record", "line")):
        given = _integers(rows[name], np.int64)
        # The record 0 stands for the whole file.
        found = np.where(given == 0, 0, given + more[:, place]) if name == "record" else given + more[:, place]
        column = pa.Array.from_buffers(pa.int64(), len(found), [None, pa.py_buffer(found)])
        rows = rows.set_column(rows.column_names.index(name), name, column)
    places = np.flatnonzero(used)
    if len(places) < len(used):
        rows = rows.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))
    return rows, places


def _integers(column: pa.ChunkedArray, kind: type[np.generic]) -> npt.NDArray[Any]:
    """The numbers of a column without nulls."""
    array = column.combine_chunks()
    return np.frombuffer(array.buffers()[1], kind, array.offset + len(array))[array.offset :]
