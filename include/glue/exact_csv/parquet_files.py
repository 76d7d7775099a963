"""The Parquet files that tasks write, and the table that Spark reads from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import chain
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from exact_csv.columns import COLUMNS, IDENTIFIER, REQUIRED
from exact_csv.strict_reader import SCHEMA

SPARK_SCHEMA = "source string, record long, line long, reason string, raw string, in_open_quote boolean, " + ", ".join(
    f"{name} string" for name in COLUMNS
)
# Nobody looks for a value in these files, and no two narratives or ids are alike.
_PARQUET = {
    "write_statistics": False,
    "use_dictionary": [name for name in SCHEMA.names if name not in ("record", "raw", IDENTIFIER, REQUIRED)],
}
_FILE_BYTES = 32 << 20  # of Parquet, where a file ends: a task holds one in memory


def files_of(tables: Iterator[pa.Table]) -> Iterator[tuple[BinaryIO, int]]:
    """Parquet files of whole tables, each closed once it has its size, and the number of its rows."""
    for first in tables:
        file, rows = BytesIO(), 0
        with pq.ParquetWriter(file, SCHEMA, **_PARQUET) as writer:
            for table in chain((first,), tables):
                writer.write(table)
                rows += table.num_rows
                if file.tell() > _FILE_BYTES:
                    break
        yield file, rows


def rows_in(spark: SparkSession, uris: Sequence[str], before: Sequence[tuple[int, int] | None]) -> DataFrame:
    """The rows in such files, numbered as in their inputs.

    `before` holds the numbers of records and lines before each part, and None for a part whose rows are not used.
    """
    if not uris:
        return spark.createDataFrame([], SPARK_SCHEMA)
    found = spark.read.schema(f"part int, {SPARK_SCHEMA}").parquet(*uris)
    # One constant that is looked up by place, however many parts there are.
    records, lines = (
        f"from_json('{json.dumps([each and each[place] for each in before])}', 'array<bigint>')[part]"
        for place in (0, 1)
    )
    columns = ("reason", "raw", "in_open_quote", *COLUMNS)
    # The record 0 stands for the whole file.
    record = f"if(record = 0 AND {records} IS NOT NULL, 0, record + {records}) AS record"
    numbered = found.selectExpr("source", record, f"line + {lines} AS line", *columns)
    return numbered if all(before) else numbered.where("record IS NOT NULL")
