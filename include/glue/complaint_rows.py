"""Spark columns and questions about rows of complaints: their ids, their places, and how many files they fill."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Bytes of stored input for which one file of prepared rows is written.
_INPUT_A_FILE = 32 << 20
# Rows that each worker may hold in memory, if they are no more than a few numbers and a name.
_BROADCAST_ROWS = 1_000_000


def files_for(stored_bytes: int) -> int:
    """The number of files for the rows of inputs of this size: by the inputs alone, so that a re-run agrees."""
    return min(max(1, -(-stored_bytes // _INPUT_A_FILE)), 1_000)


def numbered_rows(read: DataFrame, sources: Sequence[str]) -> list[str]:
    """Those of the sources whose ids are row numbers: most ids that they share belong to different complaints.

    `sources` are files whose ids come from a column that is called just "id".
    """
    if not sources:
        return []
    complaints = read.filter(F.col("source").isin(list(sources)) & F.col("reason").isNull())
    content = F.xxhash64("narrative", "received_on", "product")
    by_id = complaints.groupBy(published_id(F.col("complaint_id")).alias("published"))
    copies = by_id.agg(F.count(F.lit(1)).alias("rows"), F.count_distinct(content).alias("complaints"))
    shared = copies.filter("rows > 1").agg(F.count(F.lit(1)), F.count_if(F.col("complaints") > 1)).collect()[0]
    return list(sources) if 2 * shared[1] > shared[0] else []


def published_id(text: Column) -> Column:
    """The digits of a Complaint ID, also where a spreadsheet wrote it as `123.0`, `8,000,001` or `00123`."""
    return F.regexp_extract(F.translate(text, ",", ""), "0*([0-9]+)", 1)


def place() -> Column:
    """A key that no two rows share: keeps rows without a key of their own from piling up in one partition."""
    return F.concat_ws("#", "source", "record")


def broadcast_if_few(places: DataFrame, count: int) -> DataFrame:
    """Rows to join with, copied to every worker where they are few enough, so that the larger side is not moved."""
    return F.broadcast(places) if count <= _BROADCAST_ROWS else places
