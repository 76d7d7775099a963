"""Tracks whether quotes of a broken file may be open where the reader takes them for closed, or the reverse."""

from __future__ import annotations

from collections.abc import Sequence

_BEHIND_A_CLOSING_QUOTE = (b"", b",", b"\r", b"\n")
_BEFORE_AN_OPENING_QUOTE = (b"", b",", b"\r", b"\n")


class OpenQuote:
    """The assumption that the reader has the quotes the wrong way round, until a quote disproves it.

    Behind a broken record a row may be a row of the file, or a line of a narrative that looks like one. A record of
    several lines may be one, or a row whose quote is never closed and the rows behind it. RFC 4180 allows quotes in
    certain places only, inside quotes and outside. The first quote in any other place disproves the assumption.
    """

    def __init__(self) -> None:
        self.possible = False
        self._inside = False

    def assume(self, *, inside: bool = True) -> None:
        """The next line may begin inside quotes, or outside."""
        self.possible, self._inside = True, inside

    def read(self, lines: Sequence[bytes]) -> None:
        """Takes the next record into account; the reader found each of its lines but the last to end inside quotes."""
        for line in lines[:-1]:
            self._read(line)
            self.assume(inside=False)
        self._read(lines[-1])

    def _read(self, text: bytes) -> None:
        place = text.find(b'"') if self.possible else -1
        while place >= 0:
            behind = text[place + 1 : place + 2]
            if self._inside and behind == b'"':
                place += 1  # a doubled quote is part of the text
            elif behind not in _BEHIND_A_CLOSING_QUOTE if self._inside else not _may_open(text, place):
                self.possible = False
                return
            else:
                self._inside = not self._inside
            place = text.find(b'"', place + 1)


def _may_open(text: bytes, place: int) -> bool:
    return text[max(place - 1, 0) : place] in _BEFORE_AN_OPENING_QUOTE
