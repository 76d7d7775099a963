"""Turns cleaned rows into complaints: each identified, compared with its copies, and given one fate.

Of ids and places only: narratives stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from cleaned_rows import CARRIED
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

FATES = ("with_narrative", "without_narrative", "quarantined", "superseded")
# A row that may be a line of a narrative takes no other's place.
IN_OPEN_QUOTE = "found behind a quote that is not closed, with the Complaint ID of another row"
_COLUMNS = (
    *("source", "record", "line", "complaint_id", "received_on", "sent_on", *CARRIED, "zip_code", "label"),
    *("narrative", "text_group", "fate", "flags", "personal_data", "reason", "raw"),
)
# Bytes of stored input for which one file of prepared rows is written.
_INPUT_A_FILE = 32 << 20
# Rows that each worker may hold in memory, if they are no more than a few numbers and a name.
_BROADCAST_ROWS = 1_000_000


def files_for(stored_bytes: int) -> int:
    """The number of files for the rows of inputs of this size: by the inputs alone, so that a re-run agrees."""
    return min(max(1, -(-stored_bytes // _INPUT_A_FILE)), 1_000)


def prepared(read: DataFrame, numbered_rows: Sequence[str] = ()) -> DataFrame:
    """Every row, as a complaint with one of `FATES`; `read` has the columns of `cleaned_rows.SCHEMA`.

    The ids of the sources in `numbered_rows` are row numbers, and are not used.
    """
    compared = _compared(_identified(read, numbered_rows))
    forged = F.col("in_open_quote") & ~F.col("is_newest")
    return (
        compared.withColumn("reason", F.when(forged, IN_OPEN_QUOTE).otherwise(F.col("reason")))
        .withColumn("complaint_id", F.when(F.col("reason").isNull(), F.col("complaint_id")))
        .withColumn("fate", _fate())
        .withColumn("raw", F.when(F.col("reason").isNotNull(), F.col("raw")))
        .select(*_COLUMNS)
    )


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


def _identified(rows: DataFrame, numbered_rows: Sequence[str]) -> DataFrame:
    """Gives complaints of files that carry no ids one made of the file's content and the record's place."""
    made_up = F.concat_ws("-", F.substring("etag", 1, 12), F.lpad(F.col("record").cast("string"), 9, "0"))
    published, flags = F.col("complaint_id"), F.col("flags")
    if numbered_rows:
        is_numbered = F.col("source").isin(list(numbered_rows))
        published = F.when(~is_numbered, published)
        flags = F.when(is_numbered, F.array_remove("flags", "id_restored")).otherwise(flags)
    return (
        rows.withColumn("flags", flags)
        .withColumn("complaint_id", F.when(F.col("reason").isNull(), F.coalesce(published_id(published), made_up)))
        .withColumn("in_open_quote", F.coalesce("in_open_quote", F.lit(False)))
    )


def place() -> Column:
    """A key that no two rows share: keeps rows without a key of their own from piling up in one partition."""
    return F.concat_ws("#", "source", "record")


def _compared(identified: DataFrame) -> DataFrame:
    """Adds `is_newest`: a complaint is published again when its ZIP is unmasked or its company renamed.

    Newest is the last record of the youngest object. A row that may be a line of a narrative is older than all others.
    Records that could not be read are not compared.
    """
    order = (F.asc("in_open_quote"), F.desc("input_rank"), F.desc("record"))
    copies = Window.partitionBy("complaint_id").orderBy(*order)
    places = identified.select("source", "record", "complaint_id", "in_open_quote", "input_rank")
    ranked = places.filter(F.col("complaint_id").isNotNull()).withColumn("rank", F.row_number().over(copies))
    older = ranked.filter(F.col("rank") > 1).select("source", "record", F.lit(False).alias("is_newest")).cache()
    # Most runs have few copies: then no narrative has to be moved.
    count = older.count()
    print(f"{count:,} rows are older copies of others", flush=True)
    if not count:
        return identified.withColumn("is_newest", F.lit(True))
    joined = identified.join(broadcast_if_few(older, count), on=["source", "record"], how="left")
    return joined.withColumn("is_newest", F.coalesce("is_newest", F.lit(True)))


def broadcast_if_few(places: DataFrame, count: int) -> DataFrame:
    """Rows to join with, copied to every worker where they are few enough, so that the larger side is not moved."""
    return F.broadcast(places) if count <= _BROADCAST_ROWS else places


def _fate() -> Column:
    """The fate of a row: the first condition that applies decides."""
    return (
        F.when(F.col("reason").isNotNull(), "quarantined")
        .when(~F.col("is_newest"), "superseded")
        .when(~F.col("is_written"), "without_narrative")
        .otherwise("with_narrative")
    )
