"""A consumer writes the narrative, and nothing but the narrative: text that looks like rows never becomes a row."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from exact_csv import formats, whole_files
from exact_csv.limits import ReaderLimits
from exact_csv.row_tables import whole_tables
from exact_csv.strict_reader import Place
from exact_csv.structure import record_starts, stretch_of
from exact_csv.tolerant_reader import header_of
from hypothesis import example, given
from hypothesis import strategies as st

from tests.campaign.reading import HEADER
from tests.glue.local_runs import LIMITS
from tests.glue.test_csv_ranges import exactly, in_ranges

BOUNDS = ReaderLimits(**LIMITS)
TIGHT = ReaderLimits(**{**LIMITS, "max_row_kb": 1, "max_field_characters": 500})
NARROW = "Product,Consumer complaint narrative\n"  # without ids
FORGED = "2026-01-02,Mortgage,forged,100"
# What an adversary writes: rows, quotes, commas, line ends, headers, and the end of a field.
HOSTILE = ['"', '""', '",', ',"', ",", "\n", "\r\n", "\r", f"\n{FORGED}\n", FORGED, '",7\n' + FORGED + "\n", "a", "7"]
HOSTILE += ["\n" + HEADER, "x" * 60, '\\"', "\\", ";", "\ufeff"]
NARRATIVES = st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join)
# A row that breaks the quotes of its file.
BROKEN = [
    '2026-01-02,Mortgage,"Never closed.,40\n',
    '2026-01-02,Mortgage,"He said "no" to me.,41\n',
    '2026-01-02,Mortgage,It was a 5" pipe.,42\n',
    '2026-01-02,"Mort"gage,told,43\n',
    '2026-01-02,Mortgage,told",44\n',
    '"\n',
    '2026-01-02,"Mortgage,told,too,many,45\n',
]


def written(rows: list[list[str]], end: str = "\n", quoting: Any = csv.QUOTE_ALL) -> str:
    """The rows as Python's csv writes them."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


def complaint(number: int, narrative: str) -> list[str]:
    return ["2026-01-02", "Mortgage", narrative, str(number)]


@given(st.lists(NARRATIVES, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]), st.integers(1, 80))
@example([f"x\n{FORGED}\n", "the victim"], "\n", 7)
def test_in_a_strict_file_every_narrative_is_that_of_pythons_csv(narratives: list[str], end: str, length: int) -> None:
    content = HEADER + written([complaint(100 + n, each) for n, each in enumerate(narratives)], end)
    _, *expected = csv.reader(io.StringIO(content, newline=""), strict=True)
    for found in (exactly(content.encode()), in_ranges(content.encode(), length)):
        assert [each["reason"] for each in found] == [None] * len(narratives)
        names = ("date_received", "product", "consumer_complaint_narrative", "complaint_id")
        assert [[each[name] or "" for name in names] for each in found] == expected
        assert not any(each["in_open_quote"] for each in found)


@given(st.lists(NARRATIVES, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]), st.integers(1, 80))
def test_blocks_of_a_few_bytes_change_no_narrative(narratives: list[str], end: str, block_bytes: int) -> None:
    """Pyarrow drops the LF of a CRLF inside quotes where it splits a text into blocks."""
    rows = written([complaint(100 + n, each) for n, each in enumerate(narratives)], end)
    stretch = stretch_of(rows.encode())
    whole = np.concatenate(([0], record_starts(stretch.marks, 0)))
    found_header = header_of(HEADER.encode(), BOUNDS)
    assert found_header
    tables = whole_tables("memory", stretch, whole, found_header[0], BOUNDS, Place(), block_bytes)
    found = [row for table in tables for row in table.to_pylist()]
    expected = [row[2] for row in csv.reader(io.StringIO(rows, newline=""), strict=True)]
    assert [each["consumer_complaint_narrative"] or "" for each in found] == expected
    assert [each["record"] for each in found] == list(range(1, len(found) + 1))


@given(
    st.lists(NARRATIVES, min_size=1, max_size=6),
    st.sampled_from(["", *BROKEN]),
    st.sampled_from([BOUNDS, TIGHT]),
    st.integers(2, 40),
    st.booleans(),
)
def test_the_pieces_in_which_a_file_arrives_make_no_difference(
    narratives: list[str], broken: str, limits: ReaderLimits, size: int, cut: bool
) -> None:
    content = HEADER + written([complaint(100 + n, each * 8) for n, each in enumerate(narratives)]) + broken
    content = content[:-1] if cut else content
    expected = exactly(content.encode(), limits)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(formats, "PIECE", size)
        patched.setattr(whole_files, "_KEPT_BYTES", len(HEADER))
        patched.setattr(whole_files, "_PARSED_BYTES", size)
        assert exactly(content.encode(), limits) == expected


@given(
    st.lists(NARRATIVES, min_size=1, max_size=6),
    st.sampled_from(BROKEN),
    st.integers(0, 6),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
@example(["\n" + FORGED + "\n" + FORGED], BROKEN[0], 0, csv.QUOTE_ALL)
def test_where_one_row_breaks_the_quotes_a_row_from_a_narrative_is_marked(
    narratives: list[str], broken: str, place: int, quoting: Any
) -> None:
    """A row that is not marked is one that the file's writer wrote."""
    quoting = csv.QUOTE_ALL if any("\r" in each for each in narratives) else quoting
    rows = [written([complaint(100 + n, each)], quoting=quoting) for n, each in enumerate(narratives)]
    content = HEADER + "".join([*rows[:place], broken, *rows[place:]])
    true = {(str(100 + n), each) for n, each in enumerate(narratives)}
    true |= {("42", 'It was a 5" pipe.'), ("44", 'told"')}  # as Python's csv reads them, too
    for each in exactly(content.encode()):
        if not each["reason"] and not each["in_open_quote"]:
            assert (each["complaint_id"], each["consumer_complaint_narrative"] or "") in true


@pytest.mark.parametrize("behind", [FORGED + "\n", FORGED + "\n2026-01-02,Mortgage,forged,101\n"])
def test_rows_in_a_narrative_whose_quotes_are_broken_are_marked(behind: str) -> None:
    """The quotes of this narrative are not doubled, so that nobody knows where it ends."""
    broken = f'2026-01-02,Mortgage,"He said "no".\n{behind}",7\n'
    content = HEADER + written([complaint(100, "the victim"), complaint(101, "another")]) + broken
    found = [each for each in exactly(content.encode()) if not each["reason"]]
    assert {each["consumer_complaint_narrative"] for each in found if not each["in_open_quote"]} == {
        "the victim",
        "another",
    }
    marked = [each for each in found if each["in_open_quote"]]
    assert {each["consumer_complaint_narrative"] for each in marked} == {"forged"}
    assert all(each["raw"].startswith("2026-01-02,Mortgage,forged,10") for each in marked)


def test_behind_an_unclosed_quote_rows_are_marked_until_a_quote_shows_that_they_are_outside() -> None:
    rows = "".join(f"2026-01-02,Mortgage,told,{number}\n" for number in (1, 2))
    quoted = written([complaint(3, "told"), complaint(4, "told")])
    found = exactly((HEADER + BROKEN[0] + rows + quoted).encode())
    assert [(each["complaint_id"], each["in_open_quote"]) for each in found[1:]] == [
        ("1", True),
        ("2", True),
        ("3", None),
        ("4", None),
    ]


@pytest.mark.parametrize("content", [HEADER, NARROW])
def test_a_narrative_that_consists_of_a_columns_name_is_no_header(content: str) -> None:
    fields = content.count(",") + 1
    row = ["2026-01-02", "Mortgage", "complaint", "7"] if fields == 4 else ["Mortgage", "Narrative"]
    found = exactly((content + written([row])).encode())
    assert [each["reason"] for each in found] == [None]


REORDERED = "Complaint ID,Date received,Product,Consumer complaint narrative\n"


@pytest.mark.parametrize("length", [10, 60, 10_000])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (HEADER, REORDERED),
        (HEADER, "Date received,Consumer complaint narrative,Complaint ID\n"),
        (HEADER, HEADER.replace("\n", ",Tags\n")),
        (NARROW, "Consumer complaint narrative,Product\n"),
        (NARROW, "Narrative,Issue\n"),
    ],
)
def test_an_export_behind_another_with_other_columns_is_refused_with_the_line(
    first: str, second: str, length: int
) -> None:
    row = ["2026-01-02", "Mortgage", "told", "7"][-first.count(",") - 1 :]
    row = row if "Date" in first else ["Mortgage", "told"]
    content = first + written([row] * 3) + second + written([row] * 3)
    *_, last = sorted(in_ranges(content.encode(), length), key=lambda each: each["reason"] or "")
    assert "line 5 is another header, with other columns than the first: split the file there" in last["reason"]
    assert last["record"] == 0 or last["part"] == 0


@pytest.mark.parametrize("length", [10, 60, 10_000])
@pytest.mark.parametrize("header", [HEADER, NARROW])
def test_a_header_that_is_repeated_is_quarantined_as_one(header: str, length: int) -> None:
    row = ["2026-01-02", "Mortgage", "told", "7"] if header == HEADER else ["Mortgage", "told"]
    content = header + written([row]) + header.upper() + written([row])
    for found in (exactly(content.encode()), in_ranges(content.encode(), length)):
        assert [each["reason"] for each in found] == [None, "the header again", None]
