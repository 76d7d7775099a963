"""Glue job: compares an export with the one before, and writes the complaints that are new or changed as CSV.

A complaint is known by its id; it has changed if one of the compared columns has, of those that both exports have. Of
several copies in one export the last counts. Writes `--changed` (CSV of the export's own columns), `--quarantine` (JSON
Lines, rows that cannot be read) and, last of all, `--account` (one JSON document): where that is, all else is. Fails
when an export cannot be read to its end, or too many of its rows cannot be read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from complaint_csv import write_csv
from complaint_rows import broadcast_if_few, published_id
from exact_csv import Input, ReaderLimits, files_below, read_complaints, reader_limits, remove_files
from exact_csv.parquet_files import Rewriting
from exact_csv.strict_reader import SCHEMA
from job_log import log_counts, totals
from preparation import InputFilesRefusedError, check_quarantine, reasons, unreadable_files, write_quarantine
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from run_files import read_json, spark_session, write_document
from written_dates import dates_in

FATES = ("new", "changed", "unchanged", "baseline", "superseded", "quarantined")


class Comparison(NamedTuple):
    """The rows of each fate in the newer export, and the records that are new or changed.

    `withdrawn` complaints stand in the older export only.
    """

    counts: dict[str, int]
    withdrawn: int
    records: DataFrame


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the job with Glue's arguments, of which it knows its own.

    Raises:
        InputFilesRefusedError: an export could not be read to its end.
        TooManyQuarantinedError: more rows than are tolerated could not be read.
        RuntimeError: what was written is not what was compared.
    """
    options, _ = _parser().parse_known_args(argv)
    spark = spark_session()
    export = read_json(f"{options.fetched.rstrip('/')}/export.json")
    before: dict[str, Any] | None = read_json(options.plan).get("previous")
    rows = _rows(spark, [each for each in (export, before) if each], options.limits, options.parsed)
    ours = rows.filter(F.col("source") == export["uri"])
    by_reason = _checked(ours, options)
    columns = compared(options.columns, export["columns"], before["columns"] if before else None)
    found = compare(rows, export["uri"], columns, None if before else options.first_export)
    count = found.counts["new"] + found.counts["changed"]
    files = write_csv(_chosen(ours, found.records, count), count, export["columns"], options.changed)
    if (written := sum(each.rows for each in files)) != count:
        raise RuntimeError(f"{written:,} rows were written to {options.changed}, but {found.counts} were compared")
    by_source: list[dict[str, Any]] = [{"source": export["uri"], "rows_in": _last_record(ours), **found.counts}]
    account = {
        "by_source": by_source,
        "withdrawn": found.withdrawn,
        "quarantined_by_reason": by_reason,
        "compared_columns": columns,
        "export": export,
        "previous": before,
        "files": [each._asdict() for each in files],
    }
    print(", ".join(f"{count:,} {fate}" for fate, count in found.counts.items()), flush=True)
    log_counts("compare_exports", options.account, totals(by_source))
    remove_files(files_below(options.parsed))
    write_document(spark, account, options.account)


def compared(wanted: Sequence[str], columns: Sequence[str], before: Sequence[str] | None) -> list[str]:
    """The columns that decide whether a complaint has changed: those that both exports have.

    The public export dropped columns before; that alone changes no complaint.
    """
    common = columns if before is None else [name for name in columns if name in before]
    return [name for name in wanted if name in common]


def compare(rows: DataFrame, source: str, columns: Sequence[str], first_export: str | None) -> Comparison:
    """Compares the rows of `source` with the others by complaint id.

    `first_export`: without a previous export every complaint is new (`all`), or part of the baseline (`none`), or new
    if it was received on that day or later (`2026-11-01`).
    """
    is_ours = F.col("source") == source
    # As `complaint_rows` has it: a row that may be a line of a narrative takes no other's place.
    rank = (~F.coalesce("in_open_quote", F.lit(False))).alias("sound")
    place = F.struct(rank, "record", digest(columns).alias("digest"), _is_wanted(first_export).alias("wanted"))
    sound = rows.filter(F.col("reason").isNull())
    by_id = sound.groupBy(published_id(F.col("complaint_id")).alias("complaint_id")).agg(
        F.max(F.when(is_ours, place)).alias("ours"),
        F.max(F.when(~is_ours, place)).alias("before"),
        F.count_if(is_ours).alias("copies"),
    )
    fate = (
        F.when(F.col("ours").isNull(), "withdrawn")
        .when(F.col("before").isNull(), F.when(F.col("ours.wanted"), "new").otherwise("baseline"))
        .when(F.col("ours.digest") != F.col("before.digest"), "changed")
        .otherwise("unchanged")
    )
    judged = by_id.select("ours.record", fate.alias("fate"), "copies").cache()
    counted = judged.groupBy("fate").agg(F.count(F.lit(1)).alias("ids"), F.sum("copies").alias("rows")).collect()
    ids = {row.fate: row.ids for row in counted}
    superseded = sum(row.rows - row.ids for row in counted if row.fate != "withdrawn")
    quarantined = rows.filter(is_ours & F.col("reason").isNotNull()).count()
    counts = {fate: ids.get(fate, 0) for fate in FATES} | {"superseded": superseded, "quarantined": quarantined}
    return Comparison(counts, ids.get("withdrawn", 0), judged.filter(F.col("fate").isin("new", "changed")))


def digest(columns: Sequence[str]) -> Column:
    """A digest of these columns; no readable row holds the NUL that stands between them."""
    return F.sha2(F.concat_ws("\0", *(F.coalesce(F.col(name), F.lit("")) for name in columns)), 256)


def _is_wanted(first_export: str | None) -> Column:
    if first_export in (None, "all", "none"):
        return F.lit(first_export != "none")
    return F.coalesce(F.col("received_on") >= F.lit(first_export).cast("date"), F.lit(False))


def _chosen(ours: DataFrame, records: DataFrame, count: int) -> DataFrame:
    return ours.join(broadcast_if_few(records.select("record"), count), on="record", how="inner")


def _rows(spark: SparkSession, exports: Sequence[Mapping[str, Any]], limits: ReaderLimits, parsed: str) -> DataFrame:
    """Every row of the exports, each read once; both at the same time."""
    unique = {each["uri"]: Input(each["uri"], each["etag"], each["version"], each["size"]) for each in exports}
    dated = Rewriting(SCHEMA.append(pa.field("received_on", pa.date32())), _dated)
    rows = read_complaints(spark, list(unique.values()), limits, parsed, rewriting=dated).complaints
    if refused := [f"{each['source']}, line {each['line']}: {each['reason']}" for each in unreadable_files(rows)]:
        raise InputFilesRefusedError("; ".join(refused))
    if len(unique) < len(exports):  # the server has the previous export again
        return rows.unionByName(rows.withColumn("source", F.lit("before")))
    return rows


def _dated(rows: pa.Table) -> pa.Table:
    return rows.append_column("received_on", dates_in(rows["date_received"].combine_chunks()).read)


def _checked(ours: DataFrame, options: argparse.Namespace) -> dict[str, int]:
    """The reasons of the rows that cannot be read, which are written, once they are not too many."""
    write_quarantine(ours, [], options.quarantine)
    by_reason = reasons(ours)
    check_quarantine(by_reason, _last_record(ours), options.limits, options.quarantine)
    return by_reason


def _last_record(ours: DataFrame) -> int:
    return int(ours.agg(F.max("record")).collect()[0][0] or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--plan", required=True, help="the run's plan, which names the previous export")
    parser.add_argument("--fetched", required=True, help="the folder of the record of the export")
    parser.add_argument("--limits", required=True, type=reader_limits, help="JSON: the bounds of what is read")
    parser.add_argument("--columns", required=True, type=json.loads, help="JSON: the columns that are compared")
    parser.add_argument("--first_export", required=True, help="all, none, or a date, YYYY-MM-DD")
    parser.add_argument("--parsed", required=True, help="where rows are kept while they are compared")
    parser.add_argument("--changed", required=True, help="where the new and changed complaints go, as CSV")
    parser.add_argument("--quarantine", required=True, help="where unreadable rows go, as JSON Lines")
    parser.add_argument("--account", required=True, help="where the account of all rows goes, last of all")
    return parser


if __name__ == "__main__":
    main()
