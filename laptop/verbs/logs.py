"""`make logs`: follows the logs of a detached make up, Airflow, local AWS and its jobs, each line with its source."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from laptop.servers.processes import ServerError
from laptop.servers.state import State
from laptop.terminal import write

_LAST_LINES = 20
_TAIL_BYTES = 64_000
# Airflow logs each request of the open UI, which would bury everything else.
_ACCESS_LOG = b"[http.access]"
_JOBS = ("jobs/*/*/*.log", "jobs/*/*/log.txt")


class LogFile:
    """A growing log file; it is read from its start again after its server has truncated it."""

    def __init__(self, name: str, file: Path, *, from_start: bool = False) -> None:
        """Begins with the first line if `from_start`, else with the last twenty."""
        self._name = name
        self._file = file
        self._position = 0 if from_start else None
        self._incomplete_line = b""

    def new_lines(self) -> Iterator[str]:
        """The lines since the last call."""
        first = self._position is None
        try:
            with self._file.open("rb") as file:
                size = file.seek(0, 2)
                start = max(0, size - _TAIL_BYTES) if self._position is None else self._position
                if size < start:
                    start, self._incomplete_line = 0, b""
                file.seek(start)
                read = file.read()
        except FileNotFoundError:
            return
        self._position = start + len(read)
        *lines, self._incomplete_line = (self._incomplete_line + read).split(b"\n")
        shown = [line for line in lines if _ACCESS_LOG not in line]
        for line in shown[-_LAST_LINES:] if first else shown:
            yield f"{self._name} | {line.decode(errors='replace')}"


class Logs:
    """The logs of a state folder from "up", "airflow", "aws" or "all"; logs of jobs that start later are included."""

    def __init__(self, state: State, which: str) -> None:
        self._state = state
        self._which = which
        self._logs: dict[Path, LogFile] = {}
        self._first = True

    def new_lines(self) -> Iterator[str]:
        """The lines since the last call.

        Raises:
            ServerError: there is no log yet.
        """
        for name, file in self._files():
            if file not in self._logs:
                self._logs[file] = LogFile(name, file, from_start=not self._first)
        if not self._logs:
            raise ServerError(f"there are no logs in {self._state.folder}; make up writes them")
        self._first = False
        for log in self._logs.values():
            yield from log.new_lines()

    def _files(self) -> Iterator[tuple[str, Path]]:
        if self._which in ("up", "all"):
            yield from (("up", file) for file in (self._state.folder / "up.log",) if file.exists())
        if self._which in ("aws", "all"):
            for file in sorted(each for pattern in _JOBS for each in self._state.aws.glob(pattern)):
                yield f"aws {file.parent.name[:24]}", file
            yield from (("aws", file) for file in sorted(self._state.aws.glob("*.log")))
        if self._which in ("airflow", "all"):
            yield from (("airflow", file) for file in sorted(self._state.airflow.glob("*.log")))


def follow_logs(state: State, which: str) -> None:
    """Prints new lines until Ctrl-C."""
    logs = Logs(state, which)
    while True:
        for line in logs.new_lines():
            write(line)
        time.sleep(0.3)
