"""`make logs`: follows the logs of Airflow, and of local AWS and its jobs, each line with whose it is before it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from laptop.servers.processes import ServerError
from laptop.servers.state import State

_LAST_LINES = 20
_TAIL_BYTES = 64_000
# Airflow's own, of each look at the UI: nobody reads anything else between them.
_NOISE = b"[http.access]"
_JOBS = ("jobs/*/*/*.log", "jobs/*/*/log.txt")


class Followed:
    """A log that grows, and begins anew when its server does."""

    def __init__(self, name: str, file: Path, *, whole: bool = False) -> None:
        """`whole`: from its first line on; else its last twenty come first."""
        self._name = name
        self._file = file
        self._position = 0 if whole else None
        self._rest = b""

    def look(self) -> Iterator[str]:
        """The lines since the last look."""
        first = self._position is None
        try:
            with self._file.open("rb") as file:
                size = file.seek(0, 2)
                start = max(0, size - _TAIL_BYTES) if self._position is None else self._position
                if size < start:
                    start, self._rest = 0, b""
                file.seek(start)
                read = file.read()
        except FileNotFoundError:
            return
        self._position = start + len(read)
        *whole, self._rest = (self._rest + read).split(b"\n")
        shown = [line for line in whole if _NOISE not in line]
        for line in shown[-_LAST_LINES:] if first else shown:
            yield f"{self._name} | {line.decode(errors='replace')}"


class Logs:
    """All logs of a state folder, of `which`: "airflow", "aws" or "all"; those of jobs that begin are taken up."""

    def __init__(self, state: State, which: str) -> None:
        self._state = state
        self._which = which
        self._followed: dict[Path, Followed] = {}
        self._first = True

    def look(self) -> Iterator[str]:
        """The lines since the last look.

        Raises:
            ServerError: there is no log yet.
        """
        for name, file in self._files():
            if file not in self._followed:
                self._followed[file] = Followed(name, file, whole=not self._first)
        if not self._followed:
            raise ServerError(f"there are no logs in {self._state.folder}: make up writes them")
        self._first = False
        for each in self._followed.values():
            yield from each.look()

    def _files(self) -> Iterator[tuple[str, Path]]:
        if self._which in ("aws", "all"):
            for file in sorted(each for pattern in _JOBS for each in self._state.aws.glob(pattern)):
                yield f"aws {file.parent.name[:24]}", file
            yield from (("aws", file) for file in sorted(self._state.aws.glob("*.log")))
        if self._which in ("airflow", "all"):
            yield from (("airflow", file) for file in sorted(self._state.airflow.glob("*.log")))


def logs(state: State, which: str) -> None:
    """Prints until Ctrl-C."""
    found = Logs(state, which)
    while True:
        for line in found.look():
            print(line, flush=True)
        time.sleep(0.3)
