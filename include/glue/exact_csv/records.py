"""Reads complaints CSV exactly: every record of a file comes back, as a complaint or with the reason why not.

Python's `csv` is exact on multi-line and doubled-quote narratives. What it cannot know, and this does: where to read on
behind a record that is broken, so that no other is lost with it, and that neither a record's nor a file's size may
decide how much memory is needed. A file that cannot be read to its end says so by a record with the number 0.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from exact_csv.columns import IDENTIFIER, REQUIRED, columns_of
from exact_csv.faults import CUT_IN_NUMBER, CUT_IN_QUOTES, LINE_ENDS, NOT_CLOSED, Fault, fault_of, id_fault
from exact_csv.input_bytes import InputRefusedError
from exact_csv.limits import ReaderLimits
from exact_csv.lines import BYTE_ORDER_MARK, RecordLines, RecordTooLongError, RecordTooWideError

_HEADER_WITHIN = 50  # records; what stands before the header is no data (an unzip log, a title)
_LONGEST_RAW = 10_000  # characters of a quarantined record that are kept
_WIDE = 10  # columns, from which on no narrative's line is a row by chance
# RFC 4180: a quote stands around a field, or twice within such a one; Python's csv also takes one within a bare field.
_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_STRICT = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+(?:\r\n|\n|\r)?")


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
    if header is not None:
        yield from _behind(header, parser)


def records_behind(
    header: Sequence[str], pieces: Iterable[bytes], limits: ReaderLimits, count: int, number: int
) -> Iterator[Record]:
    """The records of a part of a file that begins with one, behind `count` records and `number` lines of the file."""
    csv.field_size_limit(limits.max_field_characters)
    # Only at the beginning of a file a byte order mark is none of its text: this one is taken off, and no other.
    lines = RecordLines(chain((BYTE_ORDER_MARK,), pieces), limits.max_row_bytes)
    lines.number = number
    for found in _behind(header, _Parser(lines, limits)):
        yield replace(found, record=found.record + count)


def header_of(head: bytes, limits: ReaderLimits) -> tuple[list[str], int, int] | None:
    """The columns of a file that begins with `head`, and how many bytes and lines there are up to the header's end.

    None where there is none, or where it does not surely end within `head`.
    """
    csv.field_size_limit(limits.max_field_characters)
    # The end of the head is not the file's: whoever asks for what stands behind it ends the search.
    lines = RecordLines(_head_only(head), limits.max_row_bytes)
    try:
        header = _header(_Parser(lines, limits))
    except InputRefusedError:
        return None
    read = head.splitlines(keepends=True)[: lines.number]
    if header is None or not read[-1].endswith(b"\n") or any(len(line) > limits.max_row_bytes for line in read):
        return None
    return header, sum(map(len, read)), lines.number


def _head_only(head: bytes) -> Iterator[bytes]:
    yield head
    raise InputRefusedError("the header does not end within the head")


def _behind(header: Sequence[str], parser: _Parser) -> Iterator[Record]:
    """The records behind the header."""
    lines = parser.lines
    parser.header, lines.most_fields = list(header), len(header)
    count = shortest = 0
    while (parsed := parser.record()) is not None:
        values, fault = parsed
        first = lines.number - len(lines.taken) + 1
        digits = len(values[-1].strip()) if values and header[-1] == IDENTIFIER else 0
        # A line without an end can only be the last one. Where the number stands last, it may be part of a number.
        if not fault and digits < shortest and not lines.taken[-1].endswith(LINE_ENDS):
            fault = Fault(CUT_IN_NUMBER, swallows=False)
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

    def record(self) -> tuple[list[str], Fault | None] | None:
        """The next record's fields, and its fault if it has one; None at the end."""
        while True:
            self.lines.begin()
            try:
                values = next(self._reader)
            except StopIteration:
                return None
            except RecordTooLongError:
                return [], Fault(f"longer than {self._limits.max_row_kb:,} kB (limits.max_row_kb)", goes_on=True)
            except RecordTooWideError:
                return [], Fault(f"more than {len(self.header)} fields where the header has {len(self.header)}")
            except csv.Error as problem:
                return [], self._syntax_fault(str(problem))
            if values and self.header:
                return values, fault_of(self.header, values, self.lines.taken) or self._swallowing_fault()
            if values:
                return values, None

    def given_up(self, fault: Fault) -> tuple[str, bytes]:
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
        fits = len(values) == len(self.header) and id_fault(self.header, values) is None
        return fits and _STRICT.fullmatch(b"".join(lines)) is not None

    def _swallowing_fault(self) -> Fault | None:
        """A record that seems sound, and has a line that is a sound record by itself: a quote before it was not closed.

        In a narrow file a narrative's line may look like a row by chance.
        """
        if len(self.header) < _WIDE or IDENTIFIER not in self.header:
            return None
        for line in self.lines.taken[1:]:
            if line.count(b",") >= len(self.header) - 1:
                values = next(csv.reader([line.decode("utf-8", "replace")]))
                if self._is_sound(values, [line]):
                    return Fault(NOT_CLOSED)
        return None

    def _syntax_fault(self, problem: str) -> Fault:
        if problem.startswith("field larger"):
            longest = f"{self._limits.max_field_characters:,} characters (limits.max_field_characters)"
            return Fault(f"a field longer than {longest}", goes_on=True)
        return Fault(CUT_IN_QUOTES if problem == "unexpected end of data" else f"not CSV: {problem}")


def _is_too_short(line: bytes, fields: int) -> bool:
    """Whether no sound record of so many fields begins with a line: said unparsed, as there may be millions of them."""
    return line.count(b",") < fields - 1 and line.count(b'"') % 2 == 0


def _kept(raw: bytes) -> str:
    """The raw text as it can be stored: shortened, and bytes that are not UTF-8 written as \\xNN."""
    return raw[: 4 * _LONGEST_RAW].decode("utf-8", "backslashreplace")[:_LONGEST_RAW]
