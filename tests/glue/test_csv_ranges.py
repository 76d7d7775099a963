"""A file read in ranges comes back as the exact reader has it: every row, number, line, reason and raw text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from exact_csv import splitting
from exact_csv.inputs import Input, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.parquet_files import numbered, tables_in
from exact_csv.reading import read_complaints
from exact_csv.splitting import Piece, Seen, Settled, Work, settled, work_of
from exact_csv.tables import tables_of
from exact_csv.whole_files import FileHeader
from hypothesis import example, given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.campaign.reading import HEADER, NEEDS_RAW, RAW, records_of, row
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
# What part of its length is seen behind a range: so little that it is next to nothing, or as much again.
AHEAD = st.sampled_from([128, 1])


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


def looked(
    content: bytes, length: int, limits: ReaderLimits = BOUNDS
) -> tuple[Opener, list[Work], list[dict[str, Any]], dict[int, Seen]]:
    """What is done of a file first, in ranges of this length: the work, its rows, and what was seen."""
    opener = Bytes(content)
    work = work_of(opener, [Input("memory", size=len(content))], limits, length)
    found: list[Seen | FileHeader] = []
    tables = [table for each in work for table in tables_of(opener, each, limits, found.append)]
    rows = [each for table in tables for each in table.to_pylist()]
    return opener, work, rows, {each.number: each for each in found if isinstance(each, Seen)}


@contextmanager
def seeing(ahead: int) -> Iterator[None]:
    """Has each range seen with this part of its length behind it: 1 is as much again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(splitting, "_AHEAD", ahead)
        yield


def settled_of(content: bytes, length: int, limits: ReaderLimits = BOUNDS) -> Settled:
    """What came of a file's ranges of this length."""
    _, work, _, seen = looked(content, length, limits)
    return settled(work, seen, limits)


def in_ranges(content: bytes, length: int, limits: ReaderLimits = BOUNDS) -> list[dict[str, Any]]:
    """The rows of a file by its ranges, in the order of its records."""
    opener, work, rows, seen = looked(content, length, limits)
    before, again = settled(work, seen, limits)
    found = []
    for each in rows:
        if (place := before[each["part"]]) is not None:
            record = each["record"] and each["record"] + place[0]
            found.append(each | {"part": 0, "record": record, "line": each["line"] + place[1]})
    for piece in again:
        found += (each for table in tables_of(opener, piece, limits, unexpected) for each in table.to_pylist())
    return sorted(found, key=lambda each: each["record"])


def unexpected(found: Seen | FileHeader) -> None:
    """No range is surveyed twice."""
    assert isinstance(found, FileHeader)


def exactly(content: bytes, limits: ReaderLimits = BOUNDS) -> list[dict[str, Any]]:
    """As one piece, which the exact reader reads."""
    tables = tables_of(Bytes(content), Piece(Input("memory")), limits, unexpected)
    return [each for table in tables for each in table.to_pylist()]


@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8),
    ENDS,
    st.booleans(),
    st.integers(min_value=1, max_value=60),
    AHEAD,
)
def test_what_a_csv_writer_wrote_comes_back_from_ranges_of_any_length(
    texts: list[tuple[str, str]], end: str, all_quoted: bool, length: int, ahead: int
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
    with seeing(ahead):
        found = in_ranges(content, length)
    assert found == exactly(content)
    fields = ("date_received", "product", "consumer_complaint_narrative", "complaint_id")
    assert [[each[name] or "" for name in fields] for each in found] == rows
    assert [each["record"] for each in found] == list(range(1, len(rows) + 1))


@given(
    st.lists(st.tuples(TEXTS, HOSTILE), max_size=5),
    st.sampled_from([HEADER, WIDE, "Narrative\n", "\ufeff" + HEADER, "a log\n\n" + HEADER.replace("\n", "\r\n")]),
    st.sampled_from([BOUNDS, TIGHT]),
    st.integers(min_value=1, max_value=400),
    AHEAD,
)
@example([("", '2026-01-02,Mortgage,"Never closed.,1\n')], HEADER, BOUNDS, 7, 128)
def test_whatever_a_file_holds_ranges_make_no_difference(
    parts: list[tuple[str, str]], header: str, limits: ReaderLimits, length: int, ahead: int
) -> None:
    rows = "".join(
        f'{hostile}2026-01-02,Mortgage,"{told.replace(chr(34), chr(34) * 2)}",{number}\n'
        for number, (told, hostile) in enumerate(parts, start=100)
    )
    for content in (header + rows, header + rows + "2026-01-02,Mortgage,cut,9"):
        whole = content.encode()
        with seeing(ahead):
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


def test_a_range_that_sees_the_end_of_its_last_record_is_read_once() -> None:
    content = (HEADER + "".join(row(number, '"of\n""two"" lines"') for number in range(1, 40))).encode()
    with seeing(1):
        before, again = settled_of(content, 100)
    assert len(before) > 10
    assert all(before)
    assert not again


def test_a_range_that_could_begin_outside_quotes_and_does_not_is_read_again() -> None:
    """Of a narrative that holds whole records, a range with nothing else."""
    told = '"' + "\n2026-01-02,Mortgage,nothing,7" * 20 + '"'
    content = (HEADER + row(1) + "2026-01-02,Mortgage," + told + ",2\n" + row(3)).encode()
    with seeing(1):
        _, _, rows, _ = looked(content, 100)
        found = in_ranges(content, 100)
    assert found == exactly(content)
    assert len(rows) > len(found)


def test_rows_that_are_not_utf_8_are_quarantined_in_their_range_alone() -> None:
    content = HEADER.encode() + row(1).encode() + row(2, "caf\xe9").encode("latin-1") + row(3).encode()
    assert all(piece.part for piece in settled_of(content, 40).again)
    assert [each["reason"] for each in in_ranges(content, 40)] == [None, "not UTF-8", None]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('2026-01-02,Mort"gage,told,7\n', "a quote within a field"),
        ('2026-01-02,"Mort"gage,told,7\n', "a quote that does not end its field"),
        ("2026-01-02,Mortgage,told,7\r", "a carriage return that ends a line alone"),
    ],
)
def test_a_file_that_is_not_strict_is_left_to_the_exact_reader_with_a_warning(
    broken: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (HEADER + row(1) + broken + row(2)).encode()
    (only,) = settled_of(content, len(content) - 1).again
    assert only.part is None
    assert f"warning: memory is read by one task, more slowly: {reason}" in capsys.readouterr().out
    assert in_ranges(content, 30) == exactly(content)


@pytest.mark.skipif(not RAW.is_dir(), reason=NEEDS_RAW)
@pytest.mark.parametrize("path", sorted(RAW.glob("*.csv")), ids=lambda path: path.stem)
def test_real_files_are_read_in_ranges_and_as_the_exact_reader_reads_them(path: Path) -> None:
    content = path.read_bytes()
    with seeing(4):
        before, again = settled_of(content, 300_000)
    # Excel ends a file without ending its last line, so that it may have been cut.
    assert len(before) > 4 or not content.endswith(b"\n")
    assert all(before)
    assert not again
    assert in_ranges(content, 300_000) == exactly(content)


def test_spark_reads_ranges_of_a_few_bytes_side_by_side_and_numbers_them_in_order(
    spark: SparkSession, run_of: LaidOut
) -> None:
    told = '"First.\n\n""Second"", he said,\r\nand third.\n"'
    content = HEADER + "".join(row(number, told) for number in range(1, 40))
    run = run_of({"large.csv": content, "small.csv": HEADER + row(1), "broken.csv": content + OPEN + row(41)})
    names = {"large.csv": len(content), "small.csv": 9, "broken.csv": len(content + OPEN + row(41))}
    inputs = [Input(run.source(name), size=size) for name, size in names.items()]
    read = read_complaints(spark, inputs, BOUNDS, run.uri("parsed"), range_bytes=100)
    rows = read.complaints.collect()
    assert len(rows) == read.rows
    found = [(row.source, row.record, row.line, row.reason, row.raw, row.complaint_id) for row in rows]
    assert sorted(found) == sorted(
        (each.uri, record.record, record.line, record.reason, record.raw, record.fields.get("complaint_id"))
        for each in inputs
        for record in records_of(Opener(), each, BOUNDS)
    )
    # A task that reads the files by itself finds the same, wherever the rows of unused parts stand.
    tables = [numbered(table, read.numbering) for file in read.files for table in tables_in(file.uri)]
    columns = ("source", "record", "line", "reason", "raw", "complaint_id")
    of_tasks = [tuple(each[name] for name in columns) for table, _ in tables for each in table.to_pylist()]
    assert sorted(of_tasks) == sorted(found)
    assert sum(len(places) for _, places in tables) == read.rows < sum(file.rows for file in read.files)


def test_a_large_input_that_is_gone_is_one_row_that_says_so(spark: SparkSession, run_of: LaidOut) -> None:
    run = run_of({"a.csv": HEADER + row(1)})
    gone = [Input(run.source("gone.csv"), size=1000)]
    found = read_complaints(spark, gone, BOUNDS, run.uri("parsed"), range_bytes=10).complaints.collect()
    assert [(row.record, row.reason) for row in found] == [(0, "it is not there any more")]


def test_a_table_has_the_columns_of_the_seam() -> None:
    (table,) = tables_of(Bytes((HEADER + row(1)).encode()), Piece(Input("memory")), BOUNDS, unexpected)
    assert isinstance(table, pa.Table)
    assert table.schema.names[:6] == ["part", "source", "record", "line", "reason", "raw"]
