"""Output for a terminal: control characters are escaped, and progress lines carry the seconds since the start."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO


def printable(text: str) -> str:
    r"""The text on one line, with every character escaped that could control a terminal or hide itself.

    Names of files and S3 keys may hold any character, escape sequences and line breaks included.

    >>> printable("été\x1b[2J\n.csv")
    'été\\x1b[2J\\n.csv'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write(text: str, stream: TextIO | None = None) -> None:
    """Prints text to standard output or to `stream`: its line breaks are kept, other control characters are escaped."""
    stream = stream or sys.stdout
    lines = (printable(line.expandtabs()) for line in text.split("\n"))
    # A locale such as POSIX cannot encode every letter.
    encoding = stream.encoding or "utf-8"
    print("\n".join(lines).encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


class Progress:
    """Writes one line a message, after the seconds since the start."""

    def __init__(self, write_line: Callable[[str], None] = write) -> None:
        self._write_line = write_line
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def report(self, message: str) -> None:
        """Writes one line, whatever characters the message holds."""
        self._write_line(f"[{self.seconds():5.0f} s] {printable(message)}")
