"""Finds the bytes that structure a CSV, all at once: quotes, newlines, line ends, and with them where records begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

QUOTE, COMMA, LF, CR = b'",\n\r'
_CACHED = 1 << 18

Places: TypeAlias = npt.NDArray[np.int64]
Text: TypeAlias = npt.NDArray[np.uint8]


class Marks(NamedTuple):
    """Places of quotes, of newlines, and of all line ends: a carriage return alone is one, too."""

    quotes: Places
    newlines: Places
    line_ends: Places

    def before(self, end: int) -> Marks:
        """The marks that stand before this place."""
        return Marks(*(each[: np.searchsorted(each, end)] for each in self))


class Stretch(NamedTuple):
    """Bytes of a CSV in memory, and their marks."""

    data: bytes
    text: Text
    marks: Marks


def stretch_of(data: bytes, skipped: int = 0) -> Stretch:
    """The stretch with these bytes; the first `skipped` of them have no marks."""
    text = np.frombuffer(data, np.uint8)
    return Stretch(data, text, marks_of(text, returns=b"\r" in data, start=skipped))


def marks_of(text: Text, returns: bool = True, start: int = 0) -> Marks:
    """The marks of a text from `start` on. `returns=False` is for a text without carriage returns."""
    places = _places(text, (QUOTE, LF, CR) if returns else (QUOTE, LF), start)
    letters = text[places]
    quotes, newlines = places[letters == QUOTE], places[letters == LF]
    if not returns:
        return Marks(quotes, newlines, newlines)
    ends = places[letters == CR]
    alone = ends[letters_at(text, ends + 1) != LF]
    return Marks(quotes, newlines, np.sort(np.concatenate((newlines, alone))) if len(alone) else newlines)


def _places(text: Text, letters: Sequence[int], start: int) -> Places:
    """The positions of the letters, found in pieces that fit into a cache: fresh memory costs more than the search."""
    found = [np.zeros(0, np.int64)]
    for begin in range(start, len(text), _CACHED):
        piece = text[begin : begin + _CACHED]
        marked = piece == letters[0]
        for letter in letters[1:]:
            marked |= piece == letter
        found.append(np.flatnonzero(marked) + begin)
    return np.concatenate(found)


def letters_at(text: Text, places: Places) -> Text:
    """The bytes at these places, which ascend; newlines behind the text's last."""
    within = int(np.searchsorted(places, len(text)))
    found: Text = np.full(len(places), LF, np.uint8)
    found[:within] = text[places[:within]]
    return found


def record_starts(marks: Marks, parity: int) -> Places:
    """The positions at which records begin: after each newline outside quotes, blank lines included.

    `parity` is 0 where the text begins outside quotes, and 1 where it begins inside.
    """
    between = np.diff(np.searchsorted(marks.newlines, marks.quotes), prepend=0, append=len(marks.newlines))
    outside = (np.arange(len(between)) + parity) % 2 == 0
    begins: Places = marks.newlines[np.repeat(outside, between)] + 1
    return begins


def blank(text: Text, begins: Places) -> npt.NDArray[np.bool_]:
    """True for each of these places where only a line's end follows, or the text's."""
    first = letters_at(text, begins)
    found: npt.NDArray[np.bool_] = first == LF
    returns = np.flatnonzero(first == CR)
    found[returns] = letters_at(text, begins[returns] + 1) == LF
    return found


def why_not_strict(text: Text, marks: Marks, parity: int) -> str:
    """The reason why a stretch breaks RFC 4180, or an empty text: quotes enclose fields, or are doubled inside one."""
    opening, closing = marks.quotes[parity::2], marks.quotes[1 - parity :: 2]
    before, behind = text[opening - 1], letters_at(text, closing + 1)
    if not np.isin(before, (QUOTE, COMMA, LF)).all():
        return "a quote within a field that does not begin with one"
    if not np.isin(behind, (QUOTE, COMMA, LF, CR)).all():
        return "a quote that does not end its field"
    # A doubled quote closes and opens again: what stands before an opening quote closed just now, or begins a field.
    if len(marks.line_ends) > len(marks.newlines):
        alone = np.setdiff1d(marks.line_ends, marks.newlines, assume_unique=True)
        if ((np.searchsorted(marks.quotes, alone) + parity) % 2 == 0).any():
            return "a carriage return that ends a line alone"
    return ""
