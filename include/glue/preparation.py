"""The first half of both preparing jobs: reads the run's inputs, gives each row its fate, and writes all rows.

A file that could not be read to its end, or too many rows that could not be read, fail the job once the quarantine is
written, and before its account is: whatever is missing, nothing is published. With `on_unreadable_file: quarantine` in
`--limits`, such a file is set aside instead: none of its rows counts, and the account names it.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

from cleaned_rows import FLAGS, UNMAPPED, Cleaning, Source
from cleaned_rows import SCHEMA as CLEANED
from complaint_files import Counted, write_complaints
from complaint_rows import files_for, numbered_rows
from complaint_tables import FATES, SCHEMA
from exact_csv.inputs import Input
from exact_csv.limits import ReaderLimits, reader_limits
from exact_csv.outputs import files_below, remove_files
from exact_csv.parquet_files import Rewriting, spark_schema
from exact_csv.reading import Read, read_complaints
from personal_data import KINDS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from run_files import Counts, counts_of_sources, read_json

_ODDITIES = {"flags": FLAGS, "personal_data": KINDS}
_LONGEST_LIST = 1_000  # characters of names in a message
_LONGEST_NAMED = 300  # characters of one file's name
_LONGEST_REASON = 600


class InputFilesRefusedError(ValueError):
    """Files that cannot be read to their end: their content is not known, so nothing of the run may be published."""


class TooManyQuarantinedError(ValueError):
    """More rows than `limits.quarantine` tolerates could not be read: something is wrong with the files as such."""


class Prepared(NamedTuple):
    """The complaints as they were written to Parquet, the inputs, oldest first, and the number of files to write.

    `counts` has the fates of the complaints, and in total their oddities and those of no class (`unmapped`).
    `quarantined_by_reason` is the number of quarantined rows by reason, the most frequent first. `unreadable_files` has
    source, size, line and reason of each file that was set aside.
    """

    complaints: DataFrame
    sources: list[str]
    files: int
    counts: Counts
    quarantined_by_reason: dict[str, int]
    unreadable_files: list[dict[str, Any]]

    @property
    def oddities(self) -> dict[str, Any]:
        """The number of complaints by flag, and of narratives by the kind of personal data that was masked.

        Of those that are kept: neither quarantined nor superseded.
        """
        return {name: {each: self.counts.total[each] for each in names} for name, names in _ODDITIES.items()}


class GivenInput(NamedTuple):
    """An input of the plan, and the day on which it arrived."""

    input: Input
    arrived: date


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The parser of the arguments that both jobs take; Glue passes more, which `parse_known_args` ignores."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--plan", required=True, help="the run's plan, which names the inputs")
    parser.add_argument("--limits", required=True, type=reader_limits, help="JSON: the bounds of what is read")
    parser.add_argument(
        "--label_rules", required=True, type=json.loads, help='JSON: [[text, label], ...], or "identity"'
    )
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
    given = inputs_of_plan(options.plan)
    sources = [each.input.uri for each in given]
    read = read_complaints(
        spark,
        [each.input for each in given],
        options.limits,
        options.parsed,
        rewriting=Rewriting(CLEANED, _cleaning(given, options.label_rules)),
    )
    print(f"{read.rows:,} rows read and cleaned", flush=True)
    aside = files_set_aside(read, {each.input.uri: each.input.size for each in given}, options.limits)
    count = readable_rows(read, aside).count() if aside else read.rows
    numbered = numbered_rows(readable_rows(read, aside), read.may_number_rows) if read.may_number_rows else []
    if numbered:
        print(f'warning: ids are made up, as the column "id" numbers rows in {listed(numbered)}', flush=True)
    found = write_complaints(read, numbered, [each["source"] for each in aside], options.complaints)
    counts = counts_of_files(found, sources)
    if count != counts.total["rows"]:
        written = f"{counts.total['rows']:,} stand in {options.complaints}"
        raise RuntimeError(f"{count:,} rows were read, but {written}")
    print(f"{count:,} rows written, {counts.total['superseded']:,} of them older copies of others", flush=True)
    complaints = spark.read.schema(spark_schema(SCHEMA)).parquet(options.complaints)
    # All files, not only those of this attempt: with another number of cores an earlier one used other names.
    remove_files(files_below(options.parsed))
    write_quarantine(complaints, aside, options.quarantine)
    if counts.total["unreadable_files"]:
        raise InputFilesRefusedError(why_refused(complaints, options.limits, options.quarantine))
    by_reason = reasons(complaints) if any(each["quarantined"] for each in counts.by_source) else {}
    check_quarantine(by_reason, count, options.limits, options.quarantine)
    print(f"{count:,} rows read from {len(given) - len(aside)} files", flush=True)
    files = files_for(sum(each.input.size for each in given))
    return Prepared(complaints, sources, files, counts, by_reason, aside)


def inputs_of_plan(plan_uri: str) -> list[GivenInput]:
    """The inputs that the run's plan names, oldest first."""
    return [
        GivenInput(
            Input(each["uri"], each["etag"], each.get("version") or "", each.get("size") or 0),
            date.fromisoformat(each["last_modified"][:10]),
        )
        for each in read_json(plan_uri)["inputs"]
    ]


def _cleaning(given: Sequence[GivenInput], rules: Sequence[Sequence[str]]) -> Cleaning:
    epoch = date(1970, 1, 1)
    sources = {
        each.input.uri: Source(each.input.etag, rank, (each.arrived - epoch).days) for rank, each in enumerate(given)
    }
    return Cleaning(sources, rules)


def counts_of_files(found: Iterable[Counted], sources: Sequence[str]) -> Counts:
    """The counts of all rows, from those of each file that was written."""
    by_source: dict[str, Counter[str]] = {}
    for source, counted in chain.from_iterable(each.items() for each in found):
        sums = by_source.setdefault(source, Counter())
        last = max(sums["rows_in"], counted["rows_in"])
        sums.update(counted)
        sums["rows_in"] = last
    names = ("rows", "unreadable_files", "superseded", UNMAPPED, *FLAGS, *KINDS)
    return counts_of_sources(by_source, sources, FATES, {name: name for name in names})


def files_set_aside(read: Read, sizes: Mapping[str, int], limits: ReaderLimits) -> list[dict[str, Any]]:
    """The files that cannot be read and do not fail the run, with their sizes; none if there are no others.

    `sizes` has the bytes of every input by its URI.
    """
    found = unreadable_files(read.complaints) if limits.sets_files_aside else []
    if not 0 < len(found) < len(sizes):
        return []
    print(f"warning: set aside, as they cannot be read: {listed([each['source'] for each in found])}", flush=True)
    return [{**each, "size": sizes[each["source"]]} for each in found]


def unreadable_files(complaints: DataFrame) -> list[dict[str, Any]]:
    """Source, line and reason of each file that could not be read to its end, by source."""
    rows = complaints.filter(F.col("record") == 0).select("source", "line", "reason").sort("source", "line").collect()
    first = {row.source: row.asDict() for row in reversed(rows)}
    return [first[source] for source in sorted(first)]


def readable_rows(read: Read, aside: Sequence[Mapping[str, Any]]) -> DataFrame:
    """The rows that were read without those of the files that are set aside."""
    return (
        read.complaints.filter(~F.col("source").isin([each["source"] for each in aside])) if aside else read.complaints
    )


def write_quarantine(complaints: DataFrame, aside: Sequence[Mapping[str, Any]], uri: str) -> None:
    """Writes unreadable rows as JSON Lines: source, line, record, reason, raw; a whole file is the record 0.

    `raw` is the text as it came, with any personal data in it: protect it as you protect the raw files.
    """
    rows = complaints.filter(F.col("reason").isNotNull()).select("source", "line", "record", "reason", "raw")
    if aside:
        files = [(each["source"], each["line"], 0, each["reason"], None) for each in aside]
        rows = rows.union(rows.sparkSession.createDataFrame(files, rows.schema))
    rows.repartition(1).sortWithinPartitions("source", "record").write.mode("overwrite").json(uri)


def why_refused(complaints: DataFrame, limits: ReaderLimits, quarantine_uri: str) -> str:
    """Why a run is refused of which files could not be read: the first of them by their reasons, and how many more."""
    refused = unreadable_files(complaints)
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
    return f"{files} cannot be read: {listed(first, '; ', more)}. {remedy}. See {quarantine_uri}"


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
