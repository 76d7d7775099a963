"""Reads complaints CSV that may be broken, line by line: every record comes back, as a complaint or with a reason.

Python's `csv` is exact on multi-line and doubled-quote narratives. This module adds two things: it finds where to read
on behind a broken record, so that no other record is lost with it, and its memory grows neither with a record nor with
the file. A file that cannot be read to its end yields a record with the number 0.

The quotes of a file that is strict CSV as a whole are trusted, and `strict_reader` reads it. Here a row behind a broken
record may be a line of a narrative, and a record of several lines may have swallowed rows: such a row is marked
`in_open_quote` until the quotes prove otherwise.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from exact_csv.columns import Header, header_from, no_header, other_separator
from exact_csv.faults import (
    BEHIND_OPEN_QUOTE,
    CUT_IN_NUMBER,
    CUT_IN_QUOTES,
    LINE_ENDS,
    NOT_CLOSED,
    Fault,
    fault_of,
    id_digits,
    id_fault,
)
from exact_csv.inputs import InputRefusedError
from exact_csv.limits import ReaderLimits
from exact_csv.open_quote import OpenQuote
from exact_csv.record_lines import RecordLines, RecordTooLongError, RecordTooWideError

_HEADER_WITHIN = 50  # records; what stands before the header is no data (an unzip log, a title)
_LONGEST_RAW = 10_000  # characters of a quarantined record that are kept
# RFC 4180: a quote stands around a field, or twice within a quoted one; Python's csv also takes it in a bare field.
_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_STRICT = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+(?:\r\n|\n|\r)?")


@dataclass(frozen=True)
class Record:
    """One record of a file: its fields by column, or the reason why they cannot be trusted and the raw text.

    The record 0 is the file itself: `reason` says why it could not be read to its end, and `line` how far it was.
    `in_open_quote` marks a complaint that may be a line of a narrative, or hold other rows; its raw text is kept, too.
    """

    record: int
    line: int
    reason: str | None
    raw: str | None
    fields: dict[str, str] = field(default_factory=dict)
    in_open_quote: bool = False


def records(pieces: Iterable[bytes], limits: ReaderLimits) -> Iterator[Record]:
    """The records of one file's bytes, in order, without blank lines and what stands before the header."""
    csv.field_size_limit(limits.max_field_characters)
    lines = RecordLines(pieces, limits.max_row_bytes)
    parser = _Parser(lines, limits)
    try:
        header = _header(parser)
        if header is not None:
            yield from _behind(header, parser)
    except InputRefusedError as refused:
        yield Record(0, lines.number, str(refused), None)


def header_of(head: bytes, limits: ReaderLimits) -> tuple[Header, int, int] | None:
    """The header of a file that begins with `head`, and the number of bytes and lines up to the header's end.

    None where there is no header, or where it may not end within `head`.
    """
    csv.field_size_limit(limits.max_field_characters)
    lines = RecordLines(_head_only(head), limits.max_row_bytes)
    try:
        header = _header(_Parser(lines, limits))
    except InputRefusedError:
        return None
    read = head.splitlines(keepends=True)[: lines.number]
    if header is None or not read[-1].endswith(b"\n") or any(len(line) > limits.max_row_bytes for line in read):
        return None
    return header, sum(map(len, read)), lines.number


def raw_text(raw: bytes) -> str:
    """The raw text of a record as it is stored: shortened, and bytes that are not UTF-8 written as \\xNN."""
    return raw[: 4 * _LONGEST_RAW].decode("utf-8", "backslashreplace")[:_LONGEST_RAW]


def _head_only(head: bytes) -> Iterator[bytes]:
    yield head
    # The head's end is not the file's: a search that asks for more has failed.
    raise InputRefusedError("the header does not end within the head")


def _behind(header: Header, parser: _Parser) -> Iterator[Record]:
    """The records behind the header."""
    lines, quote = parser.lines, OpenQuote()
    parser.header, lines.most_fields = header, len(header.columns)
    count = shortest = 0
    while (parsed := parser.record()) is not None:
        values, fault = parsed
        count += 1
        first, raw = lines.first, b"".join(lines.taken)
        digits = id_digits(header, values)
        # A line without an end can only be the last one. Where the id stands last, half of it may be missing.
        if not fault and digits < shortest and not raw.endswith((*LINE_ENDS, b'"')):
            fault = Fault(CUT_IN_NUMBER)
        quote.read(lines.taken)
        if fault:
            if fault.quotes_in_doubt:
                quote.assume()
            yield Record(count, first, fault.reason, raw_text(raw))
            continue
        shortest = min(digits, shortest or digits)
        fields = {k: v for k, v in zip(header.columns, values, strict=True) if v}
        yield Record(count, first, None, raw_text(raw) if quote.possible else None, fields, quote.possible)


def _header(parser: _Parser) -> Header | None:
    """The header; None where there is neither a header nor anything else.

    Raises:
        InputRefusedError: no header is found, or none that can be used.
    """
    found, others, first_line = 0, set[str](), ""
    while found < _HEADER_WITHIN and (parsed := parser.record()) is not None:
        values, fault = parsed
        found += 1
        if not fault and (header := header_from(values, parser.aliases)):
            return header
        # Quotes may end before a semicolon, which is a fault.
        text = parser.lines.taken[0].decode("utf-8", "replace").strip()
        first_line = first_line or text
        if separator := other_separator(text, parser.aliases):
            others.add(separator)
    if not found:
        return None
    if others:
        raise InputRefusedError(
            f"its columns are separated by {min(others)}: save it as CSV with commas "
            "(in pandas: read_csv(path, sep=None, engine='python').to_csv(path, index=False))"
        )
    raise InputRefusedError(no_header(first_line, _HEADER_WITHIN))


class _Parser:
    """Takes one record after the other from the lines; `header` is None until it is known."""

    def __init__(self, lines: RecordLines, limits: ReaderLimits) -> None:
        self.lines = lines
        self.header: Header | None = None
        self._limits = limits
        self.aliases = limits.aliases
        self._reader = csv.reader(lines, strict=True)
        self._searching = False  # for a sound record, behind a quote that is not closed

    def record(self) -> tuple[list[str], Fault | None] | None:
        """The next record's fields, and its fault if it has one; None at the end. Its lines are `lines.taken`."""
        if self._searching and self.header:
            return self._behind_open_quote(self.header)
        while True:
            self.lines.begin()
            try:
                values = next(self._reader)
            except StopIteration:
                return None
            except RecordTooLongError:
                return [], self._of_first_line(f"longer than {self._limits.max_row_kb:,} kB (limits.max_row_kb)")
            except RecordTooWideError:
                return [], self._of_first_line(NOT_CLOSED)
            except csv.Error as problem:
                return [], self._syntax_fault(str(problem))
            if values:
                return values, self._fault(self.header, values) if self.header else None

    def _fault(self, header: Header, values: Sequence[str]) -> Fault | None:
        lines = self.lines
        fault = fault_of(header, values, lines.taken[-1].endswith(LINE_ENDS), lines.first)
        # A quote that is not closed may have swallowed other rows.
        if fault and len(lines.taken) > 1 and (len(values) != len(header.columns) or id_fault(header, values)):
            return self._of_first_line(fault.reason)
        return fault

    def _of_first_line(self, reason: str) -> Fault:
        """The fault of a record whose end is not known: it costs the first line, and the others are read again.

        A single line with an even number of quotes is a record of its own, however long it is.
        """
        first = self.lines.taken[0]
        if len(self.lines.taken) == 1 and first.count(b'"') % 2 == 0:
            return Fault(reason)
        self.lines.put_back(keep=1)
        self._searching = self.header is not None
        return Fault(reason, quotes_in_doubt=True)

    def _syntax_fault(self, problem: str) -> Fault:
        if problem.startswith("field larger"):
            longest = f"{self._limits.max_field_characters:,} characters (limits.max_field_characters)"
            return self._of_first_line(f"a field longer than {longest}")
        at_end = problem == "unexpected end of data"
        if len(self.lines.taken) > 1:
            return self._of_first_line(CUT_IN_QUOTES if at_end and not self._took_a_row() else NOT_CLOSED)
        return Fault(CUT_IN_QUOTES if at_end else f"not CSV: {problem}", quotes_in_doubt=True)

    def _took_a_row(self) -> bool:
        """True where a line behind the first of those taken is a sound record."""
        if self.header is None:
            return False
        fields = len(self.header.columns)
        rows = (line for line in self.lines.taken[1:] if line.count(b",") >= fields - 1 and _STRICT.fullmatch(line))
        return any(_fits(self.header, next(csv.reader([line.decode("utf-8", "replace")]))) for line in rows)

    def _behind_open_quote(self, header: Header) -> tuple[list[str], Fault | None] | None:
        """The sound record that begins with the next line, or that line as a record of its own."""
        lines = self.lines
        while (line := lines.peek()) and not line.strip(b"\r\n"):
            lines.skip()
        if not line:
            return None
        lines.begin()
        if not _is_too_short(line, len(header.columns)):
            try:
                values = next(self._reader, [])
            except (csv.Error, RecordTooLongError, RecordTooWideError):
                values = []
            if _fits(header, values) and _STRICT.fullmatch(b"".join(lines.taken)):
                self._searching = False
                return values, self._fault(header, values)
            lines.put_back()
        lines.skip()
        return [], Fault(BEHIND_OPEN_QUOTE)


def _fits(header: Header, values: Sequence[str]) -> bool:
    """True for the fields of a record that may begin behind a quote that is not closed."""
    return len(values) == len(header.columns) and id_fault(header, values) is None


def _is_too_short(line: bytes, fields: int) -> bool:
    """True where no sound record of this many fields begins with a line: decided without parsing, for speed."""
    return line.count(b",") < fields - 1 and line.count(b'"') % 2 == 0
