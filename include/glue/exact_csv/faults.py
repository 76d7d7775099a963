"""The reasons why a record cannot be a complaint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from exact_csv.columns import Header, header_from
from exact_csv.inputs import InputRefusedError

LINE_ENDS = (b"\n", b"\r")

NOT_CLOSED = "not CSV: a quote is not closed"
BEHIND_OPEN_QUOTE = "a line behind a quote that is not closed"
CUT_IN_QUOTES = "the file ends inside quotes: it seems to be cut"
CUT_IN_RECORD = "the file ends within a record: it seems to be cut"
NOT_UTF_8 = "not UTF-8"
HOLDS_NUL = "holds a NUL byte"
CUT_IN_NUMBER = "the file ends with a Complaint ID that is shorter than all others: it seems to be cut"
REPEATED_HEADER = "the header again"

# 123, 123.0 and 8,000,001: a spreadsheet rewrites an id in these ways without losing a digit.
ID = re.compile(r"[0-9]{1,18}(?:\.0+)?|[0-9]{1,3}(?:,[0-9]{3}){1,5}(?:\.0+)?")
_FEWEST_NAMES = 2  # of columns in a line that is taken for another header
_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]{1,3}")


class Fault(NamedTuple):
    """The reason why a record cannot be a complaint.

    `quotes_in_doubt`: the next line may begin inside quotes.
    """

    reason: str
    quotes_in_doubt: bool = False


def fault_of(header: Header, values: Sequence[str], has_end: bool, line: int) -> Fault | None:
    """The fault of a record that was parsed; None where it is a complaint. `has_end`: a line end follows it.

    Raises:
        InputRefusedError: the record is another header, with other columns.
    """
    if _may_be_header(header, values) and _is_repeated_header(header, values, line):
        return Fault(REPEATED_HEADER)
    if len(values) != len(header.columns):
        if len(values) < len(header.columns) and not has_end:
            return Fault(CUT_IN_RECORD)
        return Fault(f"{len(values)} fields where the header has {len(header.columns)}")
    text = "".join(values)
    if "\0" in text:
        return Fault(HOLDS_NUL)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Fault(NOT_UTF_8)
    reason = id_fault(header, values)
    return Fault(reason) if reason else None


def id_fault(header: Header, values: Sequence[str]) -> str | None:
    """The fault of a record's Complaint ID; None where it has none, or the file has no ids."""
    place = header.id_place
    if place is None:
        return None
    identifier = values[place].strip()
    if not identifier:
        return "no Complaint ID"
    if ID.fullmatch(identifier):
        return None
    if _SCIENTIFIC.fullmatch(identifier):
        return "Complaint ID lost digits: a spreadsheet wrote it like 1.23E+07"
    return "Complaint ID is not a number"


def id_digits(header: Header, values: Sequence[str]) -> int:
    """The length of a Complaint ID that ends its record; 0 where none does."""
    ends = header.id_place == len(header.columns) - 1 == len(values) - 1
    return len(values[-1].strip()) if ends else 0


def _may_be_header(header: Header, values: Sequence[str]) -> bool:
    """False for nearly every record that is none, at little cost."""
    if len(values) != len(header.columns):
        return True
    if header.id_place is not None:
        return not values[header.id_place].strip()[:1].isdigit()
    return header.is_column_name(values[header.narrative_place])


def _is_repeated_header(header: Header, values: Sequence[str], line: int) -> bool:
    filled = [value for value in values[:500] if value.strip()]
    names = sum(map(header.is_column_name, filled))
    # A narrative may consist of the word "complaint".
    if 2 * names <= len(filled):
        return False
    with suppress(InputRefusedError):
        found = header_from(values, header.aliases)
        if found is None or found.names == header.names:
            return found is not None
        if names < _FEWEST_NAMES:
            return False
    raise InputRefusedError(f"line {line:,} is another header, with other columns than the first: split the file there")
