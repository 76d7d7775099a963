"""The Spark session of all jobs, and the documents that account for every row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_SETTINGS: dict[str, bool | float | int | str | None] = {
    # A batch transform would take the marker file `_SUCCESS` for input.
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    # A date that only Spark 2 could parse is no date; by default it would fail the job.
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
}


def spark_session() -> SparkSession:
    """The job's session, with the settings that the jobs rely on."""
    return SparkSession.builder.config(map=_SETTINGS).getOrCreate()


def write_document(spark: SparkSession, document: Mapping[str, Any], uri: str) -> None:
    """One JSON document as the only file of the folder `uri`."""
    text = json.dumps(document, sort_keys=True)
    spark.range(1).select(F.lit(text).alias("value")).coalesce(1).write.mode("overwrite").text(uri)


def read_document(spark: SparkSession, uri: str) -> dict[str, Any]:
    """The document that `write_document` wrote at `uri`.

    Raises:
        ValueError: the folder does not hold exactly one document.
    """
    found = spark.read.text(uri).collect()
    if len(found) != 1:
        raise ValueError(f"{uri} holds {len(found)} documents where there should be one")
    document: dict[str, Any] = json.loads(found[0].value)
    return document


def account_of(rows: DataFrame, sources: Sequence[str], fates: Sequence[str]) -> list[dict[str, Any]]:
    """The number of rows of each source by fate; a source without rows counts 0 of each.

    `rows_in` is the number of the source's last record, which the reader counts without a gap: a row that is lost
    on the way makes the fates fall short of it.

    Raises:
        ValueError: there are rows of a file that is not among the sources, and so would not be counted.
    """
    counts = [F.count_if(F.col("fate") == fate).alias(fate) for fate in fates]
    grouped = rows.groupBy("source").agg(F.max("record").alias("rows_in"), *counts).collect()
    found = {row.source: row.asDict() for row in grouped}
    if unknown := sorted(found.keys() - set(sources)):
        raise ValueError(f"rows were read from {', '.join(unknown)}, which the plan names otherwise or not at all")
    empty = dict.fromkeys(("rows_in", *fates), 0)
    return [found.get(source, {"source": source, **empty}) for source in sources]
