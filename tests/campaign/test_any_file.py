"""Whatever a file holds: no exception, no gap, no row from nowhere, and none that is sound is lost."""

from __future__ import annotations

import gzip
import io
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from exact_csv.inputs import Input, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.tolerant_reader import Record, records
from hypothesis import given
from hypothesis import strategies as st

from tests.campaign.faults import Fault, injects
from tests.campaign.reading import records_of
from tests.glue.local_runs import LIMITS

HEADER = b"Date received,Product,Consumer complaint narrative,Complaint ID\n"
USUAL = ReaderLimits(**LIMITS)
TINY = ReaderLimits(**{**LIMITS, "max_row_kb": 1, "max_field_characters": 100})

# What breaks readers, and what looks like rows.
MARKS = [b'"', b'""', b'"""', b",", b'",', b',"', b"\n", b"\r\n", b"\r", b"\0", b"\xff", b"\xe2\x82", b"\xef\xbb\xbf"]
PARTS = [b"a", b"7", b" ", b"2026-01-02,Mortgage,", b",7\n", b"x" * 300, b"line\n" * 300, b"=1+1"]
HOSTILE = st.lists(st.sampled_from(MARKS + PARTS), max_size=25).map(b"".join)
# No commas in a sound row's text: a quote before it that is not closed could not be told from a narrative then.
TEXTS = st.text(st.sampled_from("ab \u00e9\u2028"), min_size=1, max_size=12)


def sound(number: int, told: str, quotes: bool) -> bytes:
    text = f'"{told}\nand ""on"""' if quotes else told
    return f"2026-01-02,Mortgage,{text},{number}\n".encode()


def lines_of(rows: list[tuple[str, bool]], first: int) -> bytes:
    return b"".join(sound(first + place, *each) for place, each in enumerate(rows))


ROWS = st.lists(st.tuples(TEXTS, st.booleans()), max_size=5)
SIZES = st.integers(min_value=1, max_value=50)


def read(content: bytes, size: int = 1 << 20, limits: ReaderLimits = USUAL) -> list[Record]:
    """The records of a file that arrives `size` bytes at a time."""
    return list(records((content[start : start + size] for start in range(0, len(content), size)), limits))


def numbers(found: list[Record]) -> list[str]:
    return [record.fields["complaint_id"] for record in found if not record.reason]


@injects(Fault.UNCLOSED_QUOTE, Fault.CUT_FILE, Fault.HUGE_RECORD, Fault.CONTROL_CHARACTERS, Fault.FIELD_COUNT)
@given(ROWS, HOSTILE, st.sampled_from([USUAL, TINY]), SIZES)
def test_every_record_has_a_number_a_line_and_either_fields_or_a_reason(
    rows: list[tuple[str, bool]], hostile: bytes, limits: ReaderLimits, size: int
) -> None:
    found = read(HEADER + lines_of(rows, 100) + hostile, size, limits)
    kept = [record for record in found if record.record]
    assert [record.record for record in kept] == list(range(1, len(kept) + 1))
    assert all(before.line < after.line for before, after in pairwise(kept))
    assert all(bool(record.reason) != bool(record.fields) for record in kept)


@injects(Fault.UNCLOSED_QUOTE)
@given(ROWS, HOSTILE, SIZES)
def test_every_row_before_the_first_broken_one_comes_back_as_it_was(
    rows: list[tuple[str, bool]], hostile: bytes, size: int
) -> None:
    found = read(HEADER + lines_of(rows, 100) + hostile, size)
    assert numbers(found)[: len(rows)] == [str(100 + place) for place in range(len(rows))]
    for record, (told, quotes) in zip(found, rows, strict=False):
        assert record.fields["consumer_complaint_narrative"] == (f'{told}\nand "on"' if quotes else told)


@injects(Fault.UNCLOSED_QUOTE)
@given(HOSTILE, ROWS, st.sampled_from([USUAL, TINY]))
def test_no_row_behind_a_broken_one_is_lost_with_it(
    hostile: bytes, rows: list[tuple[str, bool]], limits: ReaderLimits
) -> None:
    """The rows end the file, and none of them is in another row's quarantine."""
    found = read(HEADER + hostile + b"\n" + lines_of(rows, 100), limits=limits)
    expected = [str(100 + place) for place in range(len(rows))]
    assert [number for number in numbers(found) if number in expected] == expected


@injects(Fault.CUT_FILE)
@given(ROWS, st.integers(min_value=0))
def test_a_file_cut_at_any_byte_loses_no_whole_row_and_makes_none_up(rows: list[tuple[str, bool]], cut: int) -> None:
    whole = HEADER + lines_of(rows, 100)
    cut = len(HEADER) + cut % (len(whole) - len(HEADER) + 1)
    ends = [len(HEADER + lines_of(rows[:count], 100)) - 1 for count in range(1, len(rows) + 1)]
    complete = sum(end <= cut for end in ends)
    expected = [str(100 + place) for place in range(complete)]
    found = numbers(read(whole[:cut]))
    # With one row only there is no other number to compare the last one's with.
    assert found == expected or (complete == 0 and len(found) == 1 and "100".startswith(found[0]))


@injects(Fault.HUGE_RECORD)
@given(ROWS, HOSTILE, SIZES)
def test_the_pieces_in_which_a_file_arrives_make_no_difference(
    rows: list[tuple[str, bool]], hostile: bytes, size: int
) -> None:
    """A line may end anywhere in what is read at a time."""
    content = HEADER + hostile + lines_of(rows, 100)
    for limits in (USUAL, TINY):
        assert read(content, size, limits) == read(content, limits=limits)


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("complaints.csv", content)
    return packed.getvalue()


def members(content: bytes) -> bytes:
    """A gzip file of two members, as of two files put together."""
    return gzip.compress(content[: len(content) // 2]) + gzip.compress(content[len(content) // 2 :])


PACKED = {"gzip": gzip.compress, "members": members, "zip": zipped}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "input"


def read_file(place: Path, content: bytes) -> list[Record]:
    place.write_bytes(content)
    return records_of(Opener(), Input(str(place), size=len(content)), USUAL)


@injects(Fault.DAMAGED_ARCHIVE)
@given(ROWS, HOSTILE, st.sampled_from(sorted(PACKED)))
def test_a_packed_file_has_the_records_of_the_file_that_was_packed(
    place: Path, rows: list[tuple[str, bool]], hostile: bytes, kind: str
) -> None:
    content = HEADER + lines_of(rows, 100) + hostile
    assert read_file(place, PACKED[kind](content)) == read_file(place, content)


@injects(Fault.DAMAGED_ARCHIVE)
@given(
    ROWS, HOSTILE, st.sampled_from(["gzip", "zip"]), st.integers(min_value=0), st.integers(min_value=1, max_value=255)
)
def test_a_packed_file_with_a_changed_byte_is_refused_or_reads_as_before(
    place: Path, rows: list[tuple[str, bool]], hostile: bytes, kind: str, at: int, change: int
) -> None:
    """Some bytes mean nothing, such as the time in a header; a checksum tells of all others."""
    content = HEADER + lines_of(rows, 100) + hostile
    packed = bytearray(PACKED[kind](content))
    packed[at % len(packed)] ^= change
    found = read_file(place, bytes(packed))
    assert found == read_file(place, content) or found[-1].record == 0


@injects(Fault.CUT_FILE)
@given(ROWS, st.sampled_from(["gzip", "zip"]), st.integers(min_value=0))
def test_a_packed_file_that_was_cut_is_refused(place: Path, rows: list[tuple[str, bool]], kind: str, cut: int) -> None:
    packed = PACKED[kind](HEADER + lines_of(rows, 100))
    found = read_file(place, packed[: 1 + cut % (len(packed) - 1)])
    assert found[-1].record == 0
