"""A file read in ranges comes back as the exact reader has it: every row, number, line, reason and raw text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from complaint_files import read_complaints, records_of, tables_of
from csv_parts import Piece, pieces_of, survey_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from input_bytes import Input, Opener
from pyspark.sql import SparkSession
from reader_limits import ReaderLimits

from tests.faults.reading import HEADER, NEEDS_RAW, RAW, row
from tests.glue.local_runs import LIMITS, Run

LaidOut = Callable[[Mapping[str, str | bytes]], Run]
BOUNDS = ReaderLimits(**LIMITS)
TIGHT = ReaderLimits(**{**LIMITS, "max_row_kb": 1, "max_field_characters": 100})
WIDE = "Date received,Product,Sub-product,Issue,Sub-issue,Company,State,Tags,Narrative,ID\n"

# What stands at the edges of fields and ranges: quotes alone and doubled, line ends of all kinds, and letters of
# several bytes.
TEXTS = st.text(st.sampled_from('",\n\rab7 \u00e9\u2028\U0001f600\ufeff'), max_size=12)
MARKS = [
    '"',
    '""',
    ",",
    ',"',
    '",',
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\ufeff",
    "a",
    "7",
    "2026-01-02,Mortgage,told,7\n",
    "x" * 120,
]
HOSTILE = st.lists(st.sampled_from(MARKS), max_size=12).map("".join)
OPEN = '2026-01-02,Mortgage,"Never closed.,40\n'
ENDS = st.sampled_from(["\n", "\r\n"])


class Stream(io.BytesIO):
    """A part of a content, which knows all of it."""

    def __init__(self, content: bytes, start: int, end: int | None) -> None:
        super().__init__(content[start:end])
        self.content, self.size = content, len(content)

    def tail(self, size: int) -> bytes:
        return self.content[-size:]


class Bytes(Opener):
    """Inputs that stand in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def open(self, given: Input, start: int = 0, end: int | None = None) -> Any:
        return Stream(self.content, start, end)


def pieces(content: bytes, length: int, limits: ReaderLimits = BOUNDS) -> tuple[Opener, list[Piece]]:
    """How a file is read in ranges of this length."""
    opener = Bytes(content)
    named = Input("memory", size=len(content))
    return opener, pieces_of(
        opener, [named], limits, length, lambda asked: [survey_of(opener, *each, limits) for each in asked]
    )


def in_ranges(content: bytes, length: int, limits: ReaderLimits = BOUNDS) -> list[dict[str, Any]]:
    opener, found = pieces(content, length, limits)
    return [each for piece in found for batch in tables_of(opener, piece, limits, 0) for each in batch.to_pylist()]


def exactly(content: bytes, limits: ReaderLimits = BOUNDS) -> list[dict[str, Any]]:
    """As one piece, which the exact reader reads."""
    batches = tables_of(Bytes(content), Piece(Input("memory")), limits, 0)
    return [each for batch in batches for each in batch.to_pylist()]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8),
    ENDS,
    st.booleans(),
    st.integers(min_value=1, max_value=60),
)
def test_what_a_csv_writer_wrote_comes_back_from_ranges_of_any_length(
    texts: list[tuple[str, str]], end: str, all_quoted: bool, length: int
) -> None:
    written = io.StringIO(newline="")
    # A carriage return alone ends a record for Python's csv, and yet its writer puts no quotes around it.
    returns = any("\r" in each for both in texts for each in both)
    quoting = csv.QUOTE_ALL if all_quoted or returns else csv.QUOTE_MINIMAL
    writer = csv.writer(written, lineterminator=end, quoting=quoting)
    writer.writerow(HEADER.strip().split(","))
    writer.writerows([["2026-01-02", *both, 100 + number] for number, both in enumerate(texts)])
    content = written.getvalue().encode()
    _, *rows = csv.reader(io.StringIO(written.getvalue(), newline=""), strict=True)
    found = in_ranges(content, length)
    assert found == exactly(content)
    fields = ("date_received", "product", "consumer_complaint_narrative", "complaint_id")
    assert [[each[name] or "" for name in fields] for each in found] == rows
    assert [each["record"] for each in found] == list(range(1, len(rows) + 1))


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.tuples(TEXTS, HOSTILE), max_size=5),
    st.sampled_from([HEADER, WIDE, "Narrative\n", "\ufeff" + HEADER, "a log\n\n" + HEADER.replace("\n", "\r\n")]),
    st.sampled_from([BOUNDS, TIGHT]),
    st.integers(min_value=1, max_value=400),
)
@example([("", '2026-01-02,Mortgage,"Never closed.,1\n')], HEADER, BOUNDS, 7)
def test_whatever_a_file_holds_ranges_make_no_difference(
    parts: list[tuple[str, str]], header: str, limits: ReaderLimits, length: int
) -> None:
    rows = "".join(
        f'{hostile}2026-01-02,Mortgage,"{told.replace(chr(34), chr(34) * 2)}",{number}\n'
        for number, (told, hostile) in enumerate(parts, start=100)
    )
    for content in (header + rows, header + rows + "2026-01-02,Mortgage,cut,9"):
        whole = content.encode()
        assert in_ranges(whole, length, limits) == exactly(whole, limits)


@pytest.mark.parametrize("length", [1, 2, 3, 17, 64])
@pytest.mark.parametrize(
    "faulty",
    [
        "2026-01-02,Mortgage,too few\n",
        '2026-01-02,Mortgage,"of\nlines",\n',
        '2026-01-02,Mortgage,"of\nlines",7,more\n',
        "2026-01-02,Mortgage,told,no number\n",
        '2026-01-02,Mortgage,"a\0b\nc",7\n',
        "\n\r\n",
        "2026-01-02,Mortgage,\ufefftold, 7 \n",
    ],
)
def test_a_row_that_is_quarantined_alone_leaves_its_file_in_ranges(faulty: str, length: int) -> None:
    content = (HEADER + row(1) + row(2, '"of\n""two"" lines"') + faulty + row(3)).encode()
    assert in_ranges(content, length) == exactly(content)


def test_rows_that_are_not_utf_8_are_quarantined_in_their_range_alone() -> None:
    content = HEADER.encode() + row(1).encode() + row(2, "caf\xe9").encode("latin-1") + row(3).encode()
    _, found = pieces(content, 40)
    assert all(piece.part for piece in found)
    assert [each["reason"] for each in in_ranges(content, 40)] == [None, "not UTF-8", None]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('2026-01-02,Mort"gage,told,7\n', "a quote within a field"),
        ('2026-01-02,"Mort"gage,told,7\n', "a quote that does not end its field"),
        ("2026-01-02,Mortgage,told,7\r", "a carriage return that ends a line alone"),
        ('2026-01-02,Mortgage,"told\n2026-01-02,Mortgage,told,8\n",\n', "a broken record of several lines at byte"),
    ],
)
def test_a_file_that_is_not_strict_is_left_to_the_exact_reader_with_a_warning(
    broken: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (HEADER + row(1) + broken + row(2)).encode()
    _, (only,) = pieces(content, len(content) - 1)
    assert only.part is None
    assert f"warning: memory is read by one task, more slowly: {reason}" in capsys.readouterr().out
    assert in_ranges(content, 30) == exactly(content)


@pytest.mark.skipif(not RAW.is_dir(), reason=NEEDS_RAW)
@pytest.mark.parametrize("path", sorted(RAW.glob("*.csv")), ids=lambda path: path.stem)
def test_real_files_are_read_in_ranges_and_as_the_exact_reader_reads_them(path: Path) -> None:
    content = path.read_bytes()
    _, found = pieces(content, 300_000)
    # Excel ends a file without ending its last line, so that it may have been cut.
    assert len(found) > 3 or not content.endswith(b"\n")
    assert in_ranges(content, 300_000) == exactly(content)


def test_spark_reads_ranges_of_a_few_bytes_side_by_side_and_in_order(spark: SparkSession, run_of: LaidOut) -> None:
    told = '"First.\n\n""Second"", he said,\r\nand third.\n"'
    content = HEADER + "".join(row(number, told) for number in range(1, 40))
    run = run_of({"large.csv": content, "small.csv": HEADER + row(1), "broken.csv": content + OPEN + row(41)})
    names = {"large.csv": len(content), "small.csv": 9, "broken.csv": len(content + OPEN + row(41))}
    inputs = [Input(run.source(name), size=size) for name, size in names.items()]
    read = read_complaints(spark, inputs, BOUNDS, run.uri("parsed"), range_bytes=100)
    assert len(read.uris) == spark.sparkContext.defaultParallelism
    rows = [row for uri in read.uris for row in spark.read.parquet(uri).collect()]
    found = [(row.source, row.record, row.line, row.reason, row.raw, row.complaint_id) for row in rows]
    assert found == [
        (each.uri, record.record, record.line, record.reason, record.raw, record.fields.get("complaint_id"))
        for each in inputs
        for record in records_of(Opener(), each, BOUNDS)
    ]


def test_a_large_input_that_is_gone_is_one_row_that_says_so(spark: SparkSession, run_of: LaidOut) -> None:
    run = run_of({"a.csv": HEADER + row(1)})
    gone = [Input(run.source("gone.csv"), size=1000)]
    found = read_complaints(spark, gone, BOUNDS, run.uri("parsed"), range_bytes=10).complaints.collect()
    assert [(row.record, row.reason) for row in found] == [(0, "it is not there any more")]


def test_a_table_has_the_columns_of_the_seam() -> None:
    opener, (piece, *_) = pieces((HEADER + row(1)).encode(), 20)
    (batch,) = tables_of(opener, piece, BOUNDS, 0)
    assert isinstance(batch, pa.Table)
    assert batch.schema.names[:5] == ["source", "record", "line", "reason", "raw"]
