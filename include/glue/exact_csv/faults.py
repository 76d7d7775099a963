"""Why a record cannot be a complaint, and whether it may have taken lines of others along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from exact_csv.columns import IDENTIFIER

LINE_ENDS = (b"\n", b"\r")

NOT_CLOSED = "not CSV: a quote is not closed"
CUT_IN_QUOTES = "the file ends inside quotes: it seems to be cut"
CUT_IN_RECORD = "the file ends within a record: it seems to be cut"
NOT_UTF_8 = "not UTF-8"
HOLDS_NUL = "holds a NUL byte"
CUT_IN_NUMBER = "the file ends with a Complaint ID that is shorter than all others: it seems to be cut"


class Fault(NamedTuple):
    """Why a record cannot be a complaint, and what is to be done about the lines that it took.

    `swallows`: others may begin inside it. `goes_on`: its rest may stand in the lines behind.
    """

    reason: str
    swallows: bool = True
    goes_on: bool = False


def fault_of(header: Sequence[str], values: Sequence[str], lines: Sequence[bytes]) -> Fault | None:
    """Why a record cannot be a complaint; None where it can."""
    if len(values) != len(header):
        if len(values) < len(header) and not lines[-1].endswith(LINE_ENDS):
            return Fault(CUT_IN_RECORD)
        return Fault(f"{len(values)} fields where the header has {len(header)}")
    text = "".join(values)
    if "\0" in text:
        return Fault(HOLDS_NUL, swallows=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Fault(NOT_UTF_8, swallows=False)
    reason = id_fault(header, values)
    return Fault(reason) if reason else None


def id_fault(header: Sequence[str], values: Sequence[str]) -> str | None:
    """What is wrong with a record's Complaint ID; None where nothing is, or the file has none."""
    if IDENTIFIER not in header:
        return None
    identifier = values[header.index(IDENTIFIER)].strip()
    if not identifier:
        return "no Complaint ID"
    return None if re.fullmatch(r"[0-9]{1,18}", identifier) else "Complaint ID is not a number"
