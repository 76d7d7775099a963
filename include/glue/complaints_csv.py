"""Reads complaints CSV exactly: every record of a file comes back, as a complaint or with the reason why not.

Python's `csv` is exact on multi-line and doubled-quote narratives. What it cannot know, and this does: where to read on
behind a record that is broken, so that no other is lost with it, and that neither a record's nor a file's size may
decide how much memory is needed. A file that cannot be read to its end says so by a record with the number 0.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from complaint_columns import IDENTIFIER, REQUIRED, columns_of
from csv_lines import RecordLines, RecordTooLongError, RecordTooWideError
from input_bytes import InputRefusedError
from reader_limits import ReaderLimits

_HEADER_WITHIN = 50  # records; what stands before the header is no data (an unzip log, a title)
_LONGEST_RAW = 10_000  # characters of a quarantined record that are kept
_WIDE = 10  # columns, from which on no narrative's line is a row by chance
# RFC 4180: a quote stands around a field, or twice within such a one; Python's csv also takes one within a bare field.
_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_STRICT = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+(?:\r\n|\n|\r)?")
_LINE_ENDS = (b"\n", b"\r")

NOT_CLOSED = "not CSV: a quote is not closed"
CUT_IN_QUOTES = "the file ends inside quotes: it seems to be cut"
CUT_IN_RECORD = "the file ends within a record: it seems to be cut"
CUT_IN_NUMBER = "the file ends with a Complaint ID that is shorter than all others: it seems to be cut"


@dataclass(frozen=True)
class Record:
    """One record of a file: its fields by column, or the reason why they cannot be trusted and the raw text.

    The record 0 is the file itself: `reason` says why it could not be read to its end, and `line` how far it was.
    """

    record: int
    line: int
    reason: str | None
    raw: str | None
    fields: dict[str, str]


class _Fault(NamedTuple):
    """Why a record cannot be a complaint, and what is to be done about the lines that it took.

    `swallows`: others may begin inside it. `goes_on`: its rest may stand in the lines behind.
    """

    reason: str
    swallows: bool = True
    goes_on: bool = False


def records(pieces: Iterable[bytes], limits: ReaderLimits) -> Iterator[Record]:
    """The records of one file's bytes, in order; what stands before the header is passed over, blank lines too."""
    lines = RecordLines(pieces, limits.max_row_bytes)
    try:
        yield from _records(lines, limits)
    except InputRefusedError as refused:
        yield Record(0, lines.number, str(refused), None, {})


def _records(lines: RecordLines, limits: ReaderLimits) -> Iterator[Record]:
    csv.field_size_limit(limits.max_field_characters)
    parser = _Parser(lines, limits)
    header = _header(parser)
    if header is None:
        return
    parser.header, lines.most_fields = header, len(header)
    count = shortest = 0
    while (parsed := parser.record()) is not None:
        values, fault = parsed
        first = lines.number - len(lines.taken) + 1
        digits = len(values[-1].strip()) if values and header[-1] == IDENTIFIER else 0
        # A line without an end can only be the last one. Where the number stands last, it may be part of a number.
        if not fault and digits < shortest and not lines.taken[-1].endswith(_LINE_ENDS):
            fault = _Fault(CUT_IN_NUMBER, swallows=False)
        count += 1
        if fault:
            reason, raw = parser.given_up(fault)
            yield Record(count, first, reason, _kept(raw), {})
        else:
            shortest = min(digits, shortest or digits)
            yield Record(count, first, None, None, {k: v for k, v in zip(header, values, strict=True) if v})


def _header(parser: _Parser) -> list[str] | None:
    """The header's column names; None where there is neither a header nor anything else.

    Raises:
        InputRefusedError: no header is found, or none that is of use.
    """
    found = 0
    while found < _HEADER_WITHIN and (parsed := parser.record()) is not None:
        values, fault = parsed
        found += 1
        if fault:
            parser.lines.put_back(keep=1)
        elif columns := columns_of(values):
            return columns
    if not found:
        return None
    raise InputRefusedError(f"no header with a column {REQUIRED!r} in its first {_HEADER_WITHIN} records")


class _Parser:
    """Takes one record after the other from the lines; `header` is empty until it is known."""

    def __init__(self, lines: RecordLines, limits: ReaderLimits) -> None:
        self.lines = lines
        self.header: list[str] = []
        self._limits = limits
        self._reader = csv.reader(lines, strict=True)

    def record(self) -> tuple[list[str], _Fault | None] | None:
        """The next record's fields, and its fault if it has one; None at the end."""
        while True:
            self.lines.begin()
            try:
                values = next(self._reader)
            except StopIteration:
                return None
            except RecordTooLongError:
                return [], _Fault(f"longer than {self._limits.max_row_kb:,} kB (limits.max_row_kb)", goes_on=True)
            except RecordTooWideError:
                return [], _Fault(f"more than {len(self.header)} fields where the header has {len(self.header)}")
            except csv.Error as problem:
                return [], self._syntax_fault(str(problem))
            if values and self.header:
                return values, _fault(self.header, values, self.lines.taken) or self._swallowing_fault()
            if values:
                return values, None

    def given_up(self, fault: _Fault) -> tuple[str, bytes]:
        """The reason and the beginning of the lines that are lost with a broken record.

        A quote that is never closed swallows the rows behind it. So, where a sound record begins inside the broken
        one, reading goes on with it, and only the lines before it are lost.
        """
        lines = self.lines
        if not fault.swallows:
            return fault.reason, b"".join(lines.taken)
        swallowed = len(lines.taken) - 1
        lines.put_back(keep=1)
        lost, kept, reason = [lines.taken[0]], len(lines.taken[0]), fault.reason
        while swallowed > 0 or fault.goes_on:
            if self._sound_record_follows():
                reason = NOT_CLOSED if swallowed > 0 else reason
                break
            line = lines.skip()
            if line is None:
                break
            if kept < 4 * _LONGEST_RAW:
                lost.append(line)
                kept += len(line)
            swallowed -= 1
        return reason, b"".join(lost)

    def _sound_record_follows(self) -> bool:
        self.lines.begin()
        if _is_too_short(self.lines.peek(), len(self.header)):
            return False
        try:
            values = next(self._reader, [])
        except (csv.Error, RecordTooLongError, RecordTooWideError):
            values = []
        sound = self._is_sound(values, self.lines.taken)
        self.lines.put_back()
        return sound

    def _is_sound(self, values: Sequence[str], lines: Sequence[bytes]) -> bool:
        """Whether a record begins here. More is asked than of others: it may be the last line of a narrative."""
        fits = len(values) == len(self.header) and _id_fault(self.header, values) is None
        return fits and _STRICT.fullmatch(b"".join(lines)) is not None

    def _swallowing_fault(self) -> _Fault | None:
        """A record that seems sound, and has a line that is a sound record by itself: a quote before it was not closed.

        In a narrow file a narrative's line may look like a row by chance.
        """
        if len(self.header) < _WIDE or IDENTIFIER not in self.header:
            return None
        for line in self.lines.taken[1:]:
            if line.count(b",") >= len(self.header) - 1:
                values = next(csv.reader([line.decode("utf-8", "replace")]))
                if self._is_sound(values, [line]):
                    return _Fault(NOT_CLOSED)
        return None

    def _syntax_fault(self, problem: str) -> _Fault:
        if problem.startswith("field larger"):
            longest = f"{self._limits.max_field_characters:,} characters (limits.max_field_characters)"
            return _Fault(f"a field longer than {longest}", goes_on=True)
        return _Fault(CUT_IN_QUOTES if problem == "unexpected end of data" else f"not CSV: {problem}")


def _fault(header: Sequence[str], values: Sequence[str], lines: Sequence[bytes]) -> _Fault | None:
    """Why a record cannot be a complaint; None where it can."""
    if len(values) != len(header):
        if len(values) < len(header) and not lines[-1].endswith(_LINE_ENDS):
            return _Fault(CUT_IN_RECORD)
        return _Fault(f"{len(values)} fields where the header has {len(header)}")
    text = "".join(values)
    if "\0" in text:
        return _Fault("holds a NUL byte", swallows=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _Fault("not UTF-8", swallows=False)
    reason = _id_fault(header, values)
    return _Fault(reason) if reason else None


def _is_too_short(line: bytes, fields: int) -> bool:
    """Whether no sound record of so many fields begins with a line: said unparsed, as there may be millions of them."""
    return line.count(b",") < fields - 1 and line.count(b'"') % 2 == 0


def _id_fault(header: Sequence[str], values: Sequence[str]) -> str | None:
    if IDENTIFIER not in header:
        return None
    identifier = values[header.index(IDENTIFIER)].strip()
    if not identifier:
        return "no Complaint ID"
    return None if re.fullmatch(r"[0-9]{1,18}", identifier) else "Complaint ID is not a number"


def _kept(raw: bytes) -> str:
    """The raw text as it can be stored: shortened, and bytes that are not UTF-8 written as \\xNN."""
    return raw[: 4 * _LONGEST_RAW].decode("utf-8", "backslashreplace")[:_LONGEST_RAW]
