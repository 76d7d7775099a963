"""The first half of both preparing jobs: reads the run's inputs, gives each row its fate, and writes all rows.

A file that could not be read to its end, or too many rows that could not be read, fail the job once the quarantine is
written, and before its account is: whatever is missing, nothing is published. With `on_unreadable_file: quarantine` in
`--limits`, such a file is set aside instead: none of its rows counts, and the account names it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from complaint_rows import FLAGS, files_for, numbered_rows, prepared, run_inputs
from exact_csv.inputs import Input
from exact_csv.limits import ReaderLimits, reader_limits
from exact_csv.outputs import files_below, remove_files
from exact_csv.reading import Read, read_complaints
from personal_data import KINDS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_LONGEST_LIST = 1_000  # characters of names in a message
_LONGEST_NAMED = 300  # characters of one file's name
_LONGEST_REASON = 600


class InputFilesRefusedError(ValueError):
    """Files that cannot be read to their end: their content is not known, so nothing of the run may be published."""


class TooManyQuarantinedError(ValueError):
    """More rows than `limits.quarantine` tolerates could not be read: something is wrong with the files as such."""


class Prepared(NamedTuple):
    """The complaints as they were written to Parquet, the inputs, oldest first, and the number of files to write.

    `quarantined_by_reason` is the number of quarantined rows by reason, the most frequent first. `unreadable_files` has
    source, size, line and reason of each file that was set aside.
    """

    complaints: DataFrame
    sources: list[str]
    files: int
    quarantined_by_reason: dict[str, int]
    unreadable_files: list[dict[str, Any]]


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The parser of the arguments that both jobs take; Glue passes more, which `parse_known_args` ignores."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--plan", required=True, help="the run's plan, which names the inputs")
    parser.add_argument("--limits", required=True, type=reader_limits, help="JSON: the bounds of what is read")
    parser.add_argument("--label_rules", required=True, type=json.loads, help="JSON: [[text, label], ...]")
    parser.add_argument("--parsed", required=True, help="where rows are kept between reading and preparing")
    parser.add_argument("--complaints", required=True, help="where every row goes, as Parquet")
    parser.add_argument("--quarantine", required=True, help="where unreadable rows go, as JSON Lines")
    parser.add_argument("--account", required=True, help="where the account of all rows goes, last of all")
    return parser


def prepare(spark: SparkSession, options: argparse.Namespace) -> Prepared:
    """Reads the plan's inputs and writes the complaints and the quarantine.

    Raises:
        RuntimeError: fewer or more rows were written than the reader handed over.
        InputFilesRefusedError: an input could not be read to its end, and is not set aside, or no other is left.
        TooManyQuarantinedError: more rows than are tolerated could not be read.
    """
    inputs = run_inputs(spark, options.plan)
    named = inputs.sort("input_rank").collect()
    files = files_for(sum(row.size for row in named))
    to_read = [Input(row.source, row.etag, row.version, row.size) for row in named]
    read = read_complaints(spark, to_read, options.limits, options.parsed)
    aside = files_set_aside(read.complaints, {row.source: row.size for row in named}, options.limits)
    rows, count = readable_rows(read, aside)
    numbered = numbered_rows(rows, read.may_number_rows)
    if numbered:
        print(f'warning: ids are made up, as the column "id" numbers rows in {listed(numbered)}', flush=True)
    complaints = prepared(rows, inputs, options.label_rules, files, numbered)
    complaints.write.mode("overwrite").parquet(options.complaints)

    complaints = spark.read.parquet(options.complaints)
    if count != (rows_written := complaints.count()):
        raise RuntimeError(f"{count:,} rows were read, but {rows_written:,} stand in {options.complaints}")
    # All files, not only those of this attempt: with another number of cores an earlier one used other names.
    remove_files(files_below(options.parsed))
    write_quarantine(complaints, aside, options.quarantine)
    check_files(complaints, options.limits, options.quarantine)
    by_reason = reasons(complaints)
    check_quarantine(by_reason, count, options.limits, options.quarantine)
    print(f"{count:,} rows read from {len(named) - len(aside)} files", flush=True)
    return Prepared(complaints, [row.source for row in named], files, by_reason, aside)


def files_set_aside(complaints: DataFrame, sizes: Mapping[str, int], limits: ReaderLimits) -> list[dict[str, Any]]:
    """The files that cannot be read and do not fail the run, with their sizes; none if there are no others.

    `sizes` has the bytes of every input by its URI.
    """
    found = unreadable_files(complaints) if limits.sets_files_aside else []
    if not 0 < len(found) < len(sizes):
        return []
    print(f"warning: set aside, as they cannot be read: {listed([each['source'] for each in found])}", flush=True)
    return [{**each, "size": sizes[each["source"]]} for each in found]


def unreadable_files(complaints: DataFrame) -> list[dict[str, Any]]:
    """Source, line and reason of each file that could not be read to its end, by source."""
    rows = complaints.filter(F.col("record") == 0).select("source", "line", "reason").sort("source", "line").collect()
    first = {row.source: row.asDict() for row in reversed(rows)}
    return [first[source] for source in sorted(first)]


def readable_rows(read: Read, aside: Sequence[Mapping[str, Any]]) -> tuple[DataFrame, int]:
    """The rows that were read without those of the files that are set aside, and their number."""
    if not aside:
        return read.complaints, read.rows
    rows = read.complaints.filter(~F.col("source").isin([each["source"] for each in aside]))
    return rows, rows.count()


def write_quarantine(complaints: DataFrame, aside: Sequence[Mapping[str, Any]], uri: str) -> None:
    """Writes unreadable rows as JSON Lines: source, line, record, reason, raw; a whole file is the record 0.

    `raw` is the text as it came, with any personal data in it: protect it as you protect the raw files.
    """
    rows = complaints.filter(F.col("reason").isNotNull()).select("source", "line", "record", "reason", "raw")
    files = [(each["source"], each["line"], 0, each["reason"], None) for each in aside]
    (
        rows.union(rows.sparkSession.createDataFrame(files, rows.schema))
        .repartition(1)
        .sortWithinPartitions("source", "record")
        .write.mode("overwrite")
        .json(uri)
    )


def check_files(complaints: DataFrame, limits: ReaderLimits, quarantine_uri: str) -> None:
    """Refuses a run of which a file could not be read to its end.

    Raises:
        InputFilesRefusedError: the first such files by their reasons, and the number of the others.
    """
    refused = unreadable_files(complaints)
    if not refused:
        return
    by_reason: dict[str, list[str]] = {}
    for each in refused:
        line = f" (behind line {each['line']:,})" if each["line"] else ""
        by_reason.setdefault(each["reason"][:_LONGEST_REASON], []).append(f"{each['source'][-_LONGEST_NAMED:]}{line}")
    # Many files often have one fault: said once, it leaves room for their names.
    first = [f"{listed(names)}: {reason}" for reason, names in by_reason.items()]
    files = "1 file" if len(refused) == 1 else f"{len(refused):,} files"
    remedy = "Repair each of them, or move it out of the prefix, and start a new run"
    if not limits.sets_files_aside:
        remedy += "; a run passes over such files with limits.on_unreadable_file: quarantine in pipeline_config.yaml"
    more = "; and files with {} other faults"
    raise InputFilesRefusedError(f"{files} cannot be read: {listed(first, '; ', more)}. {remedy}. See {quarantine_uri}")


def listed(names: Sequence[str], separator: str = ", ", rest: str = ", and {} more") -> str:
    """The first names, as far as they fit into a message, and the number of the others."""
    length, fitting = 0, 0
    while fitting < len(names) and (not fitting or length + len(names[fitting]) < _LONGEST_LIST):
        length += len(names[fitting])
        fitting += 1
    more = rest.format(f"{len(names) - fitting:,}") if fitting < len(names) else ""
    return separator.join(names[:fitting]) + more


def check_quarantine(by_reason: dict[str, int], rows: int, limits: ReaderLimits, quarantine_uri: str) -> None:
    """Refuses a run of which too much could not be read.

    Raises:
        TooManyQuarantinedError: the number of such rows, the bound, and the most frequent reason.
    """
    if problem := limits.why_too_many(sum(by_reason.values()), rows):
        most, count = next(iter(by_reason.items()))
        raise TooManyQuarantinedError(f"{problem}; most frequent ({count:,}): {most}; see {quarantine_uri}")


def reasons(complaints: DataFrame) -> dict[str, int]:
    """The number of quarantined rows by reason, the most frequent first."""
    grouped = complaints.filter(F.col("reason").isNotNull()).groupBy("reason").count()
    return {row.reason: row["count"] for row in grouped.sort(F.desc("count"), "reason").collect()}


def oddities(complaints: DataFrame) -> dict[str, Any]:
    """The number of complaints by flag, and the number of narratives by the kind of personal data that was masked.

    Of those that are kept: neither quarantined nor superseded.
    """
    kept = complaints.filter(F.col("fate").isin("with_narrative", "without_narrative"))
    flags = [F.count_if(F.array_contains("flags", name)) for name in FLAGS]
    kinds = [F.count_if(F.array_contains("personal_data", name)) for name in KINDS]
    counts = tuple(kept.agg(*flags, *kinds).collect()[0])
    return {
        "flags": dict(zip(FLAGS, counts[: len(FLAGS)], strict=True)),
        "personal_data": dict(zip(KINDS, counts[len(FLAGS) :], strict=True)),
    }
