"""The physical lines of a file's bytes, of bounded length, which a parser of records takes and puts back."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# At so many lines with quotes in one record it is worth a look whether a quote was never closed; powers of two, so
# that all looks together cost no more than twice the last.
_LOOKS = frozenset(2**power for power in range(5, 40))


class RecordTooLongError(Exception):
    """A record has more bytes than are allowed; `RecordLines.taken` ends with the line that made it so."""


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
        self.number = 0
        self.most_fields: int | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self.number += 1
        self._bytes += len(line)
        if self._bytes > self._longest:
            raise RecordTooLongError
        if b'"' in line:
            self._quoted += 1
            if self._quoted in _LOOKS:
                self._look()
        return _text(line)

    def begin(self) -> None:
        """A new record begins with the next line."""
        self.taken.clear()
        self._bytes = self._quoted = 0

    def put_back(self, keep: int = 0) -> None:
        """All lines taken since the record began but the first `keep` are to be taken again."""
        self._again.extendleft(reversed(self.taken[keep:]))
        self.number -= len(self.taken) - keep
        del self.taken[keep:]

    def skip(self) -> bytes | None:
        """The next line, which belongs to no record; None at the end."""
        self.begin()
        with suppress(RecordTooLongError):
            next(self, None)
        return self.taken[0] if self.taken else None

    def peek(self) -> bytes:
        """The next line, which stays; empty at the end."""
        if not self._again:
            self._again.extend(line for line in (next(self._lines, b""),) if line)
        return self._again[0] if self._again else b""

    def _look(self) -> None:
        """Stops a record that swallows others: each closes a quote and opens one, and so adds a field at least.

        Without this look a file could be made whose every line has to be read as often as there are lines.
        """
        fields = next(csv.reader(_text(line) for line in self.taken))
        if self.most_fields is not None and len(fields) > self.most_fields:
            raise RecordTooWideError


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _lines(pieces: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Lines with their ends; of a line of more than `longest` bytes one byte more than these, and the rest skipped.

    A carriage return alone ends a line too, as it does for Python's csv.
    """
    rest, at_start = b"", True
    for piece in pieces:
        whole = rest + piece
        if at_start and len(whole) >= len(BYTE_ORDER_MARK):
            whole, at_start = whole.removeprefix(BYTE_ORDER_MARK), False
        lines = whole.splitlines(keepends=True)
        # The last line may go on in the next piece, and a CR at its end be half of a CRLF.
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            yield line[: longest + 1]
        if len(rest) > longest + 1:
            rest = rest[: longest + 1] + (b"\r" if rest.endswith(b"\r") else b"")
    if rest := rest.removeprefix(BYTE_ORDER_MARK if at_start else b""):
        yield rest[: longest + 1]
