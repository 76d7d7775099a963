"""Reads complaints CSV exactly: every record of every file comes back, as a complaint or with the reason why not.

This is the seam behind which reading may change: `read_complaints` takes URIs and returns one row a record, and
nothing else knows how. In this form one Spark task streams one file through Python's `csv`, which is exact on
multi-line and doubled-quote narratives; its memory does not grow with the file.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from operator import itemgetter

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

# The columns of the CFPB export, as they are named here: lower case, words joined by "_". Exports since June 2026
# have no consumer_consent_provided and no consumer_disputed; a column that a file has not is null.
COLUMNS = (
    "date_received",
    "product",
    "sub_product",
    "issue",
    "sub_issue",
    "consumer_complaint_narrative",
    "company_public_response",
    "company",
    "state",
    "zip_code",
    "tags",
    "consumer_consent_provided",
    "submitted_via",
    "date_sent_to_company",
    "company_response_to_consumer",
    "timely_response",
    "consumer_disputed",
    "complaint_id",
)
REQUIRED = "consumer_complaint_narrative"

# `record` counts from 1 without a gap in each file, so its maximum is the number of records that were read.
_SCHEMA = pa.schema(
    [("source", pa.string()), ("record", pa.int64()), ("line", pa.int64())]
    + [("reason", pa.string()), ("raw", pa.string())]
    + [(name, pa.string()) for name in COLUMNS]
)
SPARK_SCHEMA = "source string, record long, line long, reason string, raw string, " + ", ".join(
    f"{name} string" for name in COLUMNS
)

_HEADER_WITHIN = 50  # records; what stands before the header is no data (an unzip log, a title)
_LONGEST_FIELD = 1_000_000  # characters; the longest published narrative has about 33,000
_LONGEST_RAW = 10_000  # characters of a quarantined record that are kept
_BATCH = 5_000  # records handed to Spark at a time


@dataclass(frozen=True)
class Record:
    """One record of a file: its fields by column, or the reason why they cannot be trusted and the raw text."""

    record: int
    line: int
    reason: str | None
    raw: str | None
    fields: dict[str, str]


def read_complaints(spark: SparkSession, uris: Sequence[str]) -> DataFrame:
    """Every record of the files at `uris`: source, record, line, reason, raw and the columns, all as text.

    `reason` is null for a complaint; otherwise the columns are null and `raw` holds the record's text.
    """
    paths = [_unglobbed(uri) for uri in uris]
    files = spark.read.format("binaryFile").load(paths).select("path", "length", "_metadata.file_path").collect()
    # What a line says of its file is percent-encoded; and Hadoop writes file:/x where others write file:///x.
    named = {file.file_path: re.sub("^file:/(?!/)", "file:///", file.path) for file in files}
    lines = _whole_files(spark, paths, largest=max((file.length for file in files), default=1))
    return lines.mapInArrow(partial(_parsed, named), SPARK_SCHEMA)


def _whole_files(spark: SparkSession, paths: Sequence[str], largest: int) -> DataFrame:
    """The files' physical lines as bytes, each file in one partition, so that its lines come in order."""
    apart = spark.newSession()  # the two settings are for these files only
    apart.conf.set("spark.sql.files.maxPartitionBytes", str(max(largest, 1)))
    apart.conf.set("spark.sql.files.minPartitionNum", "1")
    return apart.read.text(list(paths), lineSep="\n").select(
        F.col("_metadata.file_path").alias("path"),
        (F.col("_metadata.file_block_length") == F.col("_metadata.file_size")).alias("is_whole"),
        # As bytes: what is not UTF-8 must reach the parser as it is.
        F.col("value").cast("binary").alias("line"),
    )


def _parsed(named: Mapping[str, str], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for path, lines in groupby(_lines(batches), key=itemgetter(0)):
        yield from _tables(named[path], records(line for _, line in lines))


def _lines(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, bytes]]:
    for batch in batches:
        if not pc.all(batch.column("is_whole")).as_py():
            raise RuntimeError("Spark split a file, and its parts may be out of order: nothing was read")
        for path, line in zip(batch.column("path").to_pylist(), batch.column("line").to_pylist(), strict=True):
            yield path, line + b"\n"


def _tables(source: str, parsed: Iterator[Record]) -> Iterator[pa.RecordBatch]:
    while rows := [record for _, record in zip(range(_BATCH), parsed, strict=False)]:
        columns = [
            [source] * len(rows),
            [row.record for row in rows],
            [row.line for row in rows],
            [row.reason for row in rows],
            [row.raw for row in rows],
            *([row.fields.get(name) for row in rows] for name in COLUMNS),
        ]
        yield pa.record_batch([pa.array(c, t) for c, t in zip(columns, _SCHEMA.types, strict=True)], _SCHEMA)
        print(f"read {rows[-1].record:,} rows of {source}", flush=True)


def records(content: Iterable[bytes]) -> Iterator[Record]:
    """The records of one file's lines, in order; what stands before the header is passed over, blank lines too."""
    # Bytes that are not UTF-8 come through as surrogates, so that they spoil one record and not the file. A carriage
    # return alone ends a line too, as it does for Python's csv.
    text = (piece.decode("utf-8", "surrogateescape") for line in content for piece in line.splitlines(keepends=True))
    text = (line.removeprefix("\ufeff") if number == 0 else line for number, line in enumerate(text))
    parsed = _csv_records(_Lines(text))
    header, before = _header(parsed)
    unusable = _unusable(header)
    if unusable:
        for count, (line, _, error, raw) in enumerate(parsed if header else chain(before, parsed), start=1):
            yield Record(count, line, error or unusable, _kept(raw), {})
        return
    for count, (line, values, error, raw) in enumerate(parsed, start=1):
        reason = error or _fault(header, values)
        if reason:
            yield Record(count, line, reason, _kept(raw), {})
        else:
            yield Record(count, line, None, None, {k: v for k, v in zip(header, values, strict=True) if v})


_Parsed = tuple[int, list[str], str | None, str]


class _Lines:
    """The physical lines of a file, which can be put back, and the text taken since the last record."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self.taken.append(line)
        self.number += 1
        return line

    def put_back_all_but_first(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]


def _csv_records(lines: _Lines) -> Iterator[_Parsed]:
    """First line, fields, error and raw text of each record.

    A quote that is never closed swallows the rows behind it. The parser notices at the end of the file, or when
    the field outgrows its limit; then only the first line is given up and reading goes on with the second.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(lines, strict=True)
    while True:
        lines.taken.clear()
        first = lines.number + 1
        try:
            values, error = next(reader), None
        except StopIteration:
            return
        except csv.Error as problem:
            lines.put_back_all_but_first()
            values, error = [], f"not CSV: {problem}"
        if values or error:
            yield first, values, error, "".join(lines.taken)


def _header(parsed: Iterator[_Parsed]) -> tuple[list[str], list[_Parsed]]:
    """The header's column names, and the records before it; no names where there is no header."""
    before: list[_Parsed] = []
    for record in parsed:
        names = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in record[1]]
        if REQUIRED in names:
            return names, before
        before.append(record)
        if len(before) == _HEADER_WITHIN:
            break
    return [], before


def _unusable(header: list[str]) -> str | None:
    """Why no record of a file with this header can be read; None where they can."""
    if not header:
        return f"no header with the column {REQUIRED!r} in the first {_HEADER_WITHIN} records of the file"
    twice = [name for name in COLUMNS if header.count(name) > 1]
    return f"the header names {twice[0]!r} twice" if twice else None


def _fault(header: list[str], values: list[str]) -> str | None:
    """Why a record cannot be a complaint; None where it can."""
    if len(values) != len(header):
        return f"{len(values)} fields where the header has {len(header)}"
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    if "complaint_id" in header:
        identifier = values[header.index("complaint_id")]
        if not identifier.strip():
            return "no Complaint ID"
        if not re.fullmatch(r"[0-9]{1,18}", identifier.strip()):
            return "Complaint ID is not a number"
    return None


def _kept(raw: str) -> str:
    """The raw text as it can be stored: shortened, and bytes that are not UTF-8 written as \\xNN."""
    return raw[:_LONGEST_RAW].encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _unglobbed(uri: str) -> str:
    """A URI that names one object even if its key holds characters that Hadoop would expand."""
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", uri)
