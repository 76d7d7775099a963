"""The Parquet files that tasks write, and the table that Spark reads from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from itertools import chain
from typing import BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from exact_csv.columns import IDENTIFIER, REQUIRED
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


def rows_in(
    spark: SparkSession, uris: Sequence[str], before: Sequence[tuple[int, int] | None], schema: pa.Schema = SCHEMA
) -> DataFrame:
    """The rows in such files, numbered as in their inputs.

    `before` holds the numbers of records and lines before each part, and None for a part whose rows are not used.
    """
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
