"""Decides by its quotes how a whole file is read: strict CSV, broken somewhere, or escaped by backslashes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exact_csv.inputs import InputRefusedError
from exact_csv.ranges import MARGIN, sight_of
from exact_csv.structure import why_not_strict

_ESCAPED = b'\\"'


def why_broken(pieces: Iterable[bytes]) -> str:
    """The reason why a text is no strict CSV (RFC 4180); empty where it is. The text begins with a record.

    Raises:
        InputRefusedError: its quotes are escaped by backslashes.
    """
    plain, escaped = _Quotes(), _Quotes()
    found_escapes = False
    for piece, behind in _with_what_follows(pieces):
        found_escapes = found_escapes or _ESCAPED in piece
        plain.read(piece, behind)
        escaped.read(*((_unescaped(piece), _unescaped(behind)) if found_escapes else (piece, behind)))
        if plain.fault and escaped.fault:
            break
    if plain.at_end() and found_escapes and not escaped.at_end():
        raise InputRefusedError(
            r"its quotes are escaped by backslashes (\"): write it with doubled quotes, "
            r"""in Spark with option("escape", "\""), in pandas by default"""
        )
    return plain.at_end()


def _unescaped(text: bytes) -> bytes:
    return text.replace(_ESCAPED, b"--")


class _Quotes:
    """The quotes of a text that comes in pieces."""

    def __init__(self) -> None:
        self.fault = ""
        self._parity = 0
        self._before = b"\n"

    def read(self, piece: bytes, behind: bytes) -> None:
        """Takes the next piece; `behind` begins the one after it."""
        if self.fault:
            return
        sight = sight_of(self._before + piece + behind, 0, len(piece))
        within = sight.stretch.marks.before(sight.stop)
        self.fault = why_not_strict(sight.stretch.text, within, self._parity)
        self._parity = (self._parity + len(within.quotes)) % 2
        self._before = piece[-1:]

    def at_end(self) -> str:
        """The fault, now that the text has ended."""
        return self.fault or ("the file ends inside quotes" if self._parity else "")


def _with_what_follows(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each piece, and the first bytes behind it. No piece ends within an escaped quote."""
    held = b""
    for piece in pieces:
        whole = held + piece
        if len(whole) <= MARGIN:
            held = whole
            continue
        cut = len(whole) - MARGIN
        while whole[cut - 1 : cut] == b"\\" and cut > 1:
            cut -= 1
        yield whole[:cut], whole[cut:]
        held = whole[cut:]
    if held:
        yield held, b""
