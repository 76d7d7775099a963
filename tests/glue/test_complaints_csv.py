"""Reading is exact: what a writer wrote comes back, and a broken record costs itself only."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from exact_csv.columns import COLUMNS
from exact_csv.limits import ReaderLimits
from exact_csv.tolerant_reader import CUT_IN_QUOTES, Record, records
from hypothesis import given
from hypothesis import strategies as st

from tests.glue.local_runs import LIMITS

RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"
HEADER = [
    "Date received",
    "Product",
    "Sub-product",
    "Issue",
    "Sub-issue",
    "Consumer complaint narrative",
    "Company public response",
    "Company",
    "State",
    "ZIP code",
    "Tags",
    "Consumer consent provided?",
    "Submitted via",
    "Date sent to company",
    "Company response to consumer",
    "Timely response?",
    "Consumer disputed?",
    "Complaint ID",
]
HEADER_2026 = [name for name in HEADER if name not in ("Consumer consent provided?", "Consumer disputed?")]
NARRATIVE, ID = HEADER.index("Consumer complaint narrative"), HEADER.index("Complaint ID")
NO_HEADER = "no header with a column 'consumer_complaint_narrative' in its first 50 records"
SHORT = "Product,Consumer complaint narrative,Complaint ID\n"


def read(text: str | bytes) -> list[Record]:
    return list(records([text.encode() if isinstance(text, str) else text], ReaderLimits(**LIMITS)))


def written(rows: Iterable[Sequence[str]], line_end: str = "\n", quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows(rows)
    return text.getvalue()


def told(narrative: str, identifier: str = "7", header: Sequence[str] = HEADER) -> list[str]:
    """A row of the export that says something in two columns."""
    return [{"Consumer complaint narrative": narrative, "Complaint ID": identifier}.get(name, "") for name in header]


def narratives(found: Iterable[Record]) -> list[str | None]:
    return [record.fields.get("consumer_complaint_narrative") for record in found]


def reasons(found: Iterable[Record]) -> list[str | None]:
    return [record.reason for record in found]


@pytest.mark.parametrize(
    "narrative",
    [
        "one line",
        "two\nlines",
        "a blank line\n\ninside, and one at the end\n",
        'He said "no".',
        '"',
        '""',
        '\n"quoted"\n',
        'a comma, and "quotes, with commas"',
        "back\\slash and \\n and \\",
        "  spaces around  ",
        "a separator\u2028inside\u2029and\u0085next\x0bline\x0c",
        "carriage\rreturn",
    ],
)
def test_a_narrative_comes_back_exactly(narrative: str) -> None:
    table = written([HEADER, told(narrative), told("next", "8")], quoting=csv.QUOTE_ALL)
    assert narratives(read(table)) == [narrative, "next"]


def test_all_18_columns_come_back_under_their_names() -> None:
    row = [f"value {place}" for place in range(17)] + ["18"]
    (only,) = read(written([HEADER, row]))
    assert only == Record(1, 2, None, None, dict(zip(COLUMNS, row, strict=True)))


def test_an_export_of_16_columns_is_read_and_has_no_consent_and_no_dispute() -> None:
    row = [f"value {place}" for place in range(15)] + ["18"]
    (only,) = read(written([HEADER_2026, row]))
    assert set(COLUMNS) - set(only.fields) == {"consumer_consent_provided", "consumer_disputed"}
    assert only.fields["complaint_id"] == "18"


def test_columns_may_stand_in_any_order() -> None:
    row = dict(zip(HEADER, [*map(str, range(18))], strict=True))
    turned = HEADER[::-1]
    assert read(written([turned, [row[name] for name in turned]]))[0].fields == dict(
        zip(COLUMNS, row.values(), strict=True)
    )


@pytest.mark.parametrize(
    "header",
    [
        [name.upper() for name in HEADER],
        [name.lower() for name in HEADER],
        list(COLUMNS),
        [f" {name} " for name in HEADER],
    ],
    ids=["upper case", "lower case", "snake case", "spaces around"],
)
def test_column_names_are_known_however_they_are_spelled(header: list[str]) -> None:
    assert read(written([header, told("x", "7")]))[0].fields == {
        "consumer_complaint_narrative": "x",
        "complaint_id": "7",
    }


def test_what_stands_before_the_header_is_passed_over() -> None:
    preamble = "Archive:  complaints.csv.zip\n  inflating: complaints.csv          \n"
    (only,) = read(preamble + written([HEADER, told("x")]))
    assert (only.record, only.line, only.reason) == (1, 4, None)


def test_a_header_behind_49_other_lines_is_found_and_behind_50_it_is_not() -> None:
    table = SHORT + "a,b,1\n"
    assert reasons(read("title\n" * 49 + table)) == [None]
    (refused,) = read("title\n" * 50 + table)
    assert (refused.record, refused.line, refused.raw) == (0, 50, None)
    assert (refused.reason or "").startswith(f"{NO_HEADER}; its first line has, separated by commas, 'title'; ")


def test_an_unnamed_index_is_no_column_of_ours() -> None:
    (only,) = read(written([["", *HEADER], ["819778", *told("x")]]))
    assert set(only.fields) & set(COLUMNS) == {"consumer_complaint_narrative", "complaint_id"}
    assert only.reason is None


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    (only,) = read(b"\xef\xbb\xbf" + b"Complaint ID,Consumer complaint narrative\n7,x\n")
    assert only.fields == {"complaint_id": "7", "consumer_complaint_narrative": "x"}


def test_crlf_ends_a_record_while_lf_inside_quotes_stays() -> None:
    found = read(written([HEADER, told("a\nb"), told("c\r\nd")], line_end="\r\n"))
    assert narratives(found) == ["a\nb", "c\r\nd"]
    assert [record.line for record in found] == [2, 4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("card,fee\n", "2 fields where the header has 3"),
        ("card,fee,7,more\n", "4 fields where the header has 3"),
        ("card,fee,\n", "no Complaint ID"),
        ("card,fee,  \n", "no Complaint ID"),
        ("card,fee,N/A\n", "Complaint ID is not a number"),
        ("card,fee,7.5\n", "Complaint ID is not a number"),
        ("card,fee,8.00E+06\n", "Complaint ID lost digits: a spreadsheet wrote it like 1.23E+07"),
        ('card,fee,"12,34"\n', "Complaint ID is not a number"),
        ("card,fee,-7\n", "Complaint ID is not a number"),
        ("card,fee,1234567890123456789\n", "Complaint ID is not a number"),
        ("card,fee,\u0667\n", "Complaint ID is not a number"),
        ('card,"fee"s,7\n', "not CSV: ',' expected after '\"'"),
    ],
)
def test_a_broken_record_says_why_and_its_neighbours_are_read(line: str, reason: str) -> None:
    found = read(SHORT + "card,before,1\n" + line + "card,after,2\n")
    assert reasons(found) == [None, reason, None]
    assert narratives(found) == ["before", None, "after"]
    assert (found[1].raw, found[1].fields) == (line, {})


def test_a_record_that_is_not_utf_8_spoils_itself_only_and_shows_its_bytes() -> None:
    found = read(SHORT.encode() + b"card,before,1\ncard,can\x92t,2\ncard,caf\xc3\xa9,3\n")
    assert reasons(found) == [None, "not UTF-8", None]
    assert found[1].raw == "card,can\\x92t,2\n"
    assert found[2].fields["consumer_complaint_narrative"] == "caf\xe9"


@pytest.mark.parametrize(
    "behind", ["card,a,2\ncard,b,3\n", 'card,"a",2\n"card","b\nb",3\n', 'card,"""a""",2\ncard,b,3']
)
def test_an_unclosed_quote_costs_its_line_and_the_rows_behind_it_are_read(behind: str) -> None:
    found = read(SHORT + 'card,"never closed,1\n' + behind)
    assert [record.fields.get("complaint_id") for record in found] == [None, "2", "3"]
    assert [(record.record, record.line) for record in found] == [(1, 2), (2, 3), (3, 4)]
    assert found[0].raw == 'card,"never closed,1\n'
    assert (found[0].reason or "").startswith("not CSV: ")


def test_an_unclosed_quote_in_the_last_line_costs_that_line_and_says_that_the_file_seems_to_be_cut() -> None:
    found = read(SHORT + 'card,fee,1\ncard,"never closed,2')
    assert reasons(found) == [None, CUT_IN_QUOTES]


def test_several_unclosed_quotes_cost_a_line_each() -> None:
    found = read(SHORT + 'card,"one,1\ncard,fee,2\ncard,"two,3\ncard,fee,4\n')
    assert [record.reason is None for record in found] == [False, True, False, True]
    assert [record.line for record in found] == [2, 3, 4, 5]


@pytest.mark.parametrize("text", ["a,b\nc,d\n\ne,f\n", "".join(f"{place}\n" for place in range(1, 121))])
def test_a_file_without_a_header_is_refused_as_a_whole(text: str) -> None:
    assert [(record.record, (record.reason or "").partition(";")[0]) for record in read(text)] == [(0, NO_HEADER)]


def test_a_header_that_names_a_column_twice_is_refused_with_what_it_has() -> None:
    (only,) = read("Complaint ID,Consumer complaint narrative,complaint_id\n1,a,2\n3,b,4\n")
    assert only.record == 0
    assert only.reason == (
        "its header names 'complaint_id' twice; it has 'Complaint ID', 'Consumer complaint narrative', 'complaint_id'"
    )


def test_a_column_that_is_not_ours_may_stand_twice() -> None:
    assert reasons(read("x,x,Consumer complaint narrative\n1,2,a\n")) == [None]


def test_a_file_without_ids_is_read_and_has_none() -> None:
    (only,) = read(",Product,Consumer complaint narrative\n549162,Credit card,a\n")
    assert only.reason is None
    assert "complaint_id" not in only.fields


def test_blank_lines_are_no_records_but_count_as_lines() -> None:
    found = read(SHORT + "\ncard,a,1\n\n\r\ncard,b,2\n\n")
    assert [(record.record, record.line) for record in found] == [(1, 3), (2, 6)]


def test_records_are_numbered_without_a_gap_and_lines_as_they_stand_in_the_file() -> None:
    found = read(SHORT + 'card,"a\nb\nc",1\ncard,too few\ncard,"d\ne",2\ncard,f,3\n')
    assert [record.record for record in found] == [1, 2, 3, 4]
    assert [record.line for record in found] == [2, 5, 6, 8]


def test_an_over_long_field_is_refused_and_the_row_behind_it_is_read() -> None:
    found = read(SHORT + f"card,{'x' * 131_073},1\ncard,fee,2\n")
    assert reasons(found) == ["a field longer than 131,072 characters (limits.max_field_characters)", None]
    assert len(found[0].raw or "") == 10_000


def test_the_longest_field_that_is_allowed_is_read() -> None:
    assert reasons(read(SHORT + f"card,{'x' * 131_072},1\n")) == [None]


@pytest.mark.parametrize("content", ["", "\n\n", SHORT, b"\xef\xbb\xbf"], ids=["nothing", "blank", "header", "mark"])
def test_a_file_without_records_gives_none(content: str | bytes) -> None:
    assert read(content) == []


CELLS = st.text(
    st.one_of(
        st.sampled_from('",\n\r\u2028\u2029\x85\\ a1'),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)
TABLES = st.lists(st.lists(CELLS, min_size=17, max_size=17), min_size=1, max_size=4)


@given(TABLES, st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL)]))
def test_any_table_reads_back_as_python_reads_it(rows: list[list[str]], ends: tuple[str, Literal[0, 1]]) -> None:
    # With a bare LF at its lines' ends, Python's writer before 3.13 leaves a CR unquoted unless it quotes everything.
    text = written([HEADER, *([*row, str(place)] for place, row in enumerate(rows))], *ends)
    _, *expected = csv.reader(io.StringIO(text, newline=""))
    assert [row[:17] for row in expected] == rows
    assert [[each.fields.get(name, "") for name in COLUMNS] for each in read(text)] == expected


@given(st.text(st.sampled_from('",\n\rab1'), max_size=60))
def test_any_text_at_all_is_read_line_after_line_without_a_gap(text: str) -> None:
    found = read(SHORT + text)
    assert [record.record for record in found] == list(range(1, len(found) + 1))
    assert [record.line for record in found] == sorted({record.line for record in found})
    assert all(record.raw if record.reason else record.fields for record in found)


def checksum(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}\0{text}\0".encode())
    return digest.hexdigest()


@pytest.mark.skipif(not RAW.is_dir(), reason=f"needs the real complaints in {RAW}, which are not part of the project")
@pytest.mark.parametrize(
    ("name", "rows", "with_narrative"),
    [
        ("complaints-2026-04.csv", 2413, 623),
        ("complaints-2020-03-preamble.csv", 6623, 1532),
        ("complaints-2020-03-excel.csv", 6623, 1532),
        ("complaints-2020-05-indexed.csv", 2000, 647),
        ("narratives-2017.csv", 3947, 3947),
    ],
)
def test_a_real_file_is_read_as_python_reads_it(name: str, rows: int, with_narrative: int) -> None:
    with (RAW / name).open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))
    start = next(place for place, row in enumerate(table) if HEADER[NARRATIVE] in row)
    column = table[start].index(HEADER[NARRATIVE])
    expected = [row[column] for row in table[start + 1 :]]

    found = read((RAW / name).read_bytes())

    assert set(reasons(found)) == {None}
    assert checksum(text or "" for text in narratives(found)) == checksum(expected)
    assert (len(found), sum(text is not None for text in narratives(found))) == (rows, with_narrative)
