"""What both preparing jobs do first: read the run's inputs, give each row its fate, write all of them down."""

from __future__ import annotations

import argparse
import json

from complaint_rows import prepared, run_inputs
from complaints_csv import read_complaints
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The arguments that both jobs take; Glue passes more, which `parse_known_args` leaves alone."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--source", required=True, help="the prefix that holds the inputs")
    parser.add_argument("--plan", required=True, help="the run's plan, which names the inputs")
    parser.add_argument("--label_rules", required=True, type=json.loads, help="JSON: [[text, label], ...]")
    parser.add_argument("--complaints", required=True, help="where every row goes, as Parquet")
    parser.add_argument("--quarantine", required=True, help="where unreadable rows go, as JSON Lines")
    parser.add_argument("--account", required=True, help="where the account of all rows goes")
    return parser


def prepare(spark: SparkSession, options: argparse.Namespace) -> tuple[DataFrame, list[str]]:
    """The complaints of all inputs as they were written to Parquet, and the inputs, oldest first.

    Raises:
        RuntimeError: fewer or more rows were written than the reader handed over.
    """
    inputs = run_inputs(spark, options.plan)
    sources = [row.source for row in inputs.sort("input_rank").collect()]
    counted = Observation("read")
    read = read_complaints(spark, sources).observe(counted, F.count(F.lit(1)).alias("rows"))
    prepared(read, inputs, options.label_rules).write.mode("overwrite").parquet(options.complaints)

    complaints = spark.read.parquet(options.complaints)
    rows_read, rows_written = counted.get["rows"], complaints.count()
    if rows_read != rows_written:
        raise RuntimeError(f"{rows_read:,} rows were read, but {rows_written:,} stand in {options.complaints}")
    print(f"{rows_read:,} rows read from {len(sources)} files", flush=True)
    return complaints, sources


def write_quarantine(complaints: DataFrame, uri: str) -> None:
    """What could not be read, as JSON Lines: source, line, record, reason, raw."""
    (
        complaints.filter(F.col("reason").isNotNull())
        .select("source", "line", "record", "reason", "raw")
        .coalesce(1)
        .sort("source", "record")
        .write.mode("overwrite")
        .json(uri)
    )


def reasons(complaints: DataFrame) -> dict[str, int]:
    """How many rows were quarantined for which reason, the most frequent first."""
    grouped = complaints.filter(F.col("reason").isNotNull()).groupBy("reason").count()
    return {row.reason: row["count"] for row in grouped.sort(F.desc("count"), "reason").collect()}
