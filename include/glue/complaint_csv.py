"""Writes complaints as CSV that `read_complaints` reads back exactly, in gzip files of bounded size."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from exact_csv.outputs import write_file
from pyspark.sql import DataFrame

_ROWS_A_FILE = 200_000  # about 50 MB of gzip, which a task holds in memory
_PROPER_NAMES = {
    "sub_product": "Sub-product",
    "sub_issue": "Sub-issue",
    "zip_code": "ZIP code",
    "consumer_consent_provided": "Consumer consent provided?",
    "timely_response": "Timely response?",
    "consumer_disputed": "Consumer disputed?",
    "complaint_id": "Complaint ID",
}


class WrittenFile(NamedTuple):
    """A file by its name in the folder."""

    name: str
    rows: int
    size: int
    sha256: str


def write_csv(complaints: DataFrame, count: int, columns: Sequence[str], folder: str) -> list[WrittenFile]:
    """Writes the `columns` of the `count` complaints by their `record`; the same rows give the same bytes.

    Empty texts and nulls are the same, as they are to the reader.
    """
    if not count:
        return []
    files = -(-count // _ROWS_A_FILE)
    placed = complaints.select("record", *columns).repartition(files, "record").sortWithinPartitions("record")
    written = placed.rdd.mapPartitionsWithIndex(_writer(tuple(columns), folder.rstrip("/"))).collect()
    return sorted(WrittenFile(*each) for each in written)


def proper_name(column: str) -> str:
    """The name of a column as the public export spells it: `sub_product` is `Sub-product`."""
    return _PROPER_NAMES.get(column, column.replace("_", " ").capitalize())


def csv_of(rows: Iterable[Sequence[str | None]], columns: Sequence[str]) -> tuple[bytes, int]:
    """The gzip file of the rows, under a header, and their number."""
    packed, count = io.BytesIO(), 0
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as zipped,
        io.TextIOWrapper(zipped, encoding="utf-8", newline="") as text,
    ):
        # All are quoted: csv leaves a lone CR bare, which a reader would take for the end of the record.
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([proper_name(column) for column in columns])
        for row in rows:
            writer.writerow(["" if value is None else value for value in row])
            count += 1
    return packed.getvalue(), count


def _writer(columns: tuple[str, ...], folder: str) -> Any:
    def write(number: int, rows: Iterator[Any]) -> Iterator[tuple[str, int, int, str]]:
        first = next(rows, None)
        if first is None:
            return
        content, count = csv_of(([row[name] for name in columns] for row in _chained(first, rows)), columns)
        name = f"complaints-{number:05d}.csv.gz"
        write_file(f"{folder}/{name}", io.BytesIO(content))
        yield name, count, len(content), hashlib.sha256(content).hexdigest()

    return write


def _chained(first: Any, rows: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rows
