"""The Spark session of all jobs, and the documents that account for every row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from io import BytesIO
from typing import Any, NamedTuple

from exact_csv.inputs import Input, Opener
from exact_csv.outputs import data_files_below, write_file
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

_SETTINGS: dict[str, bool | float | int | str | None] = {
    # A batch transform would take the marker file `_SUCCESS` for input.
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}


def spark_session() -> SparkSession:
    """The job's session, with the settings that the jobs rely on."""
    return SparkSession.builder.config(map=_SETTINGS).getOrCreate()


def write_document(spark: SparkSession, document: Mapping[str, Any], folder_uri: str) -> None:
    """Writes a JSON document as the only file of a folder: by Spark, like all that it vouches for, and after it."""
    text = json.dumps(document, sort_keys=True)
    spark.range(1).select(F.lit(text).alias("value")).coalesce(1).write.mode("overwrite").text(folder_uri)


def put_document(document: Mapping[str, Any], folder_uri: str) -> None:
    """Writes a JSON document into an empty folder as tasks write their files, which it vouches for, and after them.

    Not by Spark: what vouches for files must not be visible before they are, and Spark's files are others'.
    """
    text = json.dumps(document, sort_keys=True)
    write_file(f"{folder_uri.rstrip('/')}/part-00000.json", BytesIO(text.encode()))


def read_document(folder_uri: str) -> dict[str, Any]:
    """The document that `write_document` wrote.

    Raises:
        ValueError: the folder does not hold exactly one document.
    """
    found = data_files_below(folder_uri)
    if len(found) != 1:
        raise ValueError(f"{folder_uri} holds {len(found)} documents where there should be one")
    return read_json(found[0])


def read_json(uri: str) -> dict[str, Any]:
    """A JSON object that a file holds."""
    with closing(Opener().open(Input(uri))) as stream:
        document: dict[str, Any] = json.loads(b"".join(iter(lambda: stream.read(1 << 20), b"")))
    return document


class Counts(NamedTuple):
    """The counts of a run's rows: `by_source`, one entry a source in their order, and in total by name."""

    by_source: list[dict[str, Any]]
    total: dict[str, int]


def account_of(
    rows: DataFrame, sources: Sequence[str], fates: Sequence[str], more: Mapping[str, Column] | None = None
) -> Counts:
    """The number of rows of each source by fate, and in total that of `more` conditions; in one pass over the rows.

    A source without rows counts 0 of each. `rows_in` is the number of the source's last record, which the reader
    counts without a gap: a row that is lost on the way makes the fates fall short of it.

    Raises:
        ValueError: there are rows of a file that is not among the sources, and so would not be counted.
    """
    counts = [F.count_if(F.col("fate") == fate).alias(fate) for fate in fates]
    others = [F.count_if(condition).alias(f"more_{name}") for name, condition in (more or {}).items()]
    grouped = rows.groupBy("source").agg(F.max("record").alias("rows_in"), *counts, *others).collect()
    found = {row.source: row.asDict() for row in grouped}
    return counts_of_sources(found, sources, fates, {name: f"more_{name}" for name in (more or {})})


def counts_of_sources(
    found: Mapping[str, Mapping[str, int]], sources: Sequence[str], fates: Sequence[str], more: Mapping[str, str]
) -> Counts:
    """The counts of each of the sources, and the sums of what `more` names; `found` has what was counted by source.

    Raises:
        ValueError: there are rows of a file that is not among the sources, and so would not be counted.
    """
    check_sources(found.keys(), sources)
    total = {name: sum(row[column] for row in found.values()) for name, column in more.items()}
    names = ("rows_in", *fates)
    by_source = [
        {"source": source, **(dict.fromkeys(names, 0) if source not in found else {n: found[source][n] for n in names})}
        for source in sources
    ]
    return Counts(by_source, total)


def check_sources(found: Iterable[str], sources: Iterable[str]) -> None:
    """Refuses rows that no source would count.

    Raises:
        ValueError: there are rows of a file that is not among the sources.
    """
    if unknown := sorted({*found} - {*sources}):
        raise ValueError(f"rows were read from {', '.join(unknown)}, which the plan names otherwise or not at all")
