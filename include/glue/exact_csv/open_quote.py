"""Tracks whether a quote that was opened in a broken record may still be open."""

from __future__ import annotations

_BEHIND_A_CLOSING_QUOTE = (b"", b",", b"\r", b"\n")
_BEFORE_AN_OPENING_QUOTE = (b"", b",", b"\r", b"\n")


class OpenQuote:
    """The assumption that the text behind a broken record is still inside quotes, until a quote disproves it.

    Behind a broken record a row may be a row of the file, or a line of a narrative that looks like one. Inside quotes
    RFC 4180 allows quotes in certain places only. The first quote in any other place shows that the text was outside.
    """

    def __init__(self) -> None:
        self.possible = False
        self._inside = False

    def assume(self) -> None:
        """The next line may begin inside quotes."""
        self.possible = self._inside = True

    def read(self, text: bytes) -> None:
        """Takes the bytes of the next record, which begins with a line, into account."""
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
