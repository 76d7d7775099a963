"""The physical lines of a file's bytes, of bounded length, which a parser of records takes and puts back."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK_RUNS = (b"\n" * 8, b"\r\n" * 8)
_LINES = re.compile(rb"\n{1,4096}|(?:\r\n){1,4096}|\r|[^\r\n]+(?:\r\n|\n|\r)?")
# At these numbers of lines with quotes in one record, the record is checked for a quote that was never closed. Powers
# of two: all checks together cost no more than twice the last one.
_CHECKED_AT = frozenset(2**power for power in range(5, 40))


class RecordTooLongError(Exception):
    """A record has more bytes than are allowed; `RecordLines.taken` ends with the line that exceeds them."""


class RecordTooWideError(Exception):
    """A record has more fields than the header, and still no end."""


class RecordLines:
    """The lines of a file as text for Python's csv, and those taken since a record began.

    Never holds more than `longest` bytes of one record and a line. Bytes that are not UTF-8 become surrogates, so
    that they spoil one record and not the file.
    """

    def __init__(self, pieces: Iterable[bytes], longest: int) -> None:
        self._lines = _lines(pieces, longest)
        self._longest = longest
        self._again: deque[bytes] = deque()
        self._bytes = self._quoted = 0
        self.taken: list[bytes] = []
        self.number = 0  # of the line that was taken last
        self.first = 1  # the number of the record's first line
        self.most_fields: int | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self.number += _count(line)
        self._bytes += len(line)
        if self._bytes > self._longest:
            raise RecordTooLongError
        if b'"' in line:
            self._quoted += 1
            if self._quoted in _CHECKED_AT:
                self._check_width()
        return _text(line)

    def begin(self) -> None:
        """Starts a new record with the next line."""
        self.taken.clear()
        self.first = self.number + 1
        self._bytes = self._quoted = 0

    def put_back(self, keep: int = 0) -> None:
        """Puts back all lines taken since the record began but the first `keep`."""
        self._again.extendleft(reversed(self.taken[keep:]))
        self.number -= sum(map(_count, self.taken[keep:]))
        del self.taken[keep:]

    def skip(self) -> bytes | None:
        """The next line, as a record of its own; None at the end."""
        self.begin()
        with suppress(RecordTooLongError):
            next(self, None)
        return self.taken[0] if self.taken else None

    def peek(self) -> bytes:
        """The next line, which stays; empty at the end."""
        if not self._again:
            self._again.extend(line for line in (next(self._lines, b""),) if line)
        return self._again[0] if self._again else b""

    def _check_width(self) -> None:
        """Stops a record that swallows others: each closes a quote and opens one, and so adds a field at least.

        Without this check a file could be made whose every line is read as often as there are lines.
        """
        fields = next(csv.reader(_text(line) for line in self.taken))
        if self.most_fields is not None and len(fields) > self.most_fields:
            raise RecordTooWideError


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _lines(pieces: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Lines with their ends; a line of more than `longest` bytes is cut to one byte more than these.

    Many blank lines in a row come as one, as a narrative may consist of millions of them. The last byte of a cut line
    is a quote where the number of quotes behind the cut is odd, so that the number of quotes in what is left is even or
    odd as in the whole line. A carriage return alone ends a line too, as it does for Python's csv.
    """
    rest, at_start = b"", True
    for piece in pieces:
        whole = rest + piece
        if at_start and len(whole) >= len(BYTE_ORDER_MARK):
            whole, at_start = whole.removeprefix(BYTE_ORDER_MARK), False
        lines = _split(whole)
        # The last line may go on in the next piece, and a CR at its end be half of a CRLF.
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            yield _cut(line, longest)
        if len(rest) > longest + 1:
            rest = _cut(rest, longest) + (b"\r" if rest.endswith(b"\r") else b"")
    if rest := rest.removeprefix(BYTE_ORDER_MARK if at_start else b""):
        yield _cut(rest, longest)


def _split(text: bytes) -> list[bytes]:
    """The lines, of which the last may have no end."""
    if any(run in text for run in _BLANK_RUNS):
        return _LINES.findall(text)
    return text.splitlines(keepends=True)


def _count(line: bytes) -> int:
    """The number of lines: more than one for a run of blank lines."""
    return (line.count(b"\n") or 1) if line[:1] in b"\r\n" else 1


def _cut(line: bytes, longest: int) -> bytes:
    if len(line) <= longest + 1:
        return line
    return line[:longest] + (b'"' if line.count(b'"', longest) % 2 else b"-")
