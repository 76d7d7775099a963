"""One job's processes: started as a session of their own, and ended to the last one."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol


class Lines(Protocol):
    """The lines of an output, as long as somebody writes it."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Stop reading."""


class Main(Protocol):
    """The first of a command's processes, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its id, which is its session's."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, once `wait` has returned."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """What it reads, where somebody writes it."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it writes."""

    @property
    def stderr(self) -> IO[bytes] | None:
        """What it writes about errors, where that is kept apart."""

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""


@dataclass(frozen=True)
class Command:
    """A command to run: arguments, the complete environment, working folder."""

    arguments: list[str]
    environment: dict[str, str]
    folder: Path


class Processes:
    """A running command with all its children.

    They form a session. Their process group alone is not enough: PySpark's worker daemon leaves the group.
    """

    def __init__(self, command: Command, merge_output: bool, stdin: int = subprocess.DEVNULL) -> None:
        self._main: Main = subprocess.Popen(
            command.arguments,
            env=command.environment,
            cwd=command.folder,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_output else subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def outputs(self) -> Sequence[Lines]:
        """Standard output, and standard error where it is kept apart."""
        return self._pipes

    @property
    def _input(self) -> IO[bytes]:
        assert self._main.stdin
        return self._main.stdin

    @property
    def _pipes(self) -> list[IO[bytes]]:
        return [pipe for pipe in (self._main.stdout, self._main.stderr) if pipe]

    def exit_code(self, wait_seconds: float) -> int | None:
        """The main process's exit code, or None if it still runs after the wait."""
        with suppress(subprocess.TimeoutExpired):
            return self._main.wait(wait_seconds)
        return None

    def terminate(self, grace_seconds: float) -> None:
        """Ask all processes to end, wait for the main one, then kill what is left."""
        self._signal(signal.SIGTERM)
        self.exit_code(grace_seconds)
        self.sweep()

    def sweep(self) -> None:
        """Kill what is left, as a container that ends does; returns when none of them runs."""
        for _ in range(100):
            self._signal(signal.SIGKILL)
            self.exit_code(0)
            if self._main.returncode is not None and not any(_session_members(self._main.pid)):
                return
            time.sleep(0.02)

    def _signal(self, number: signal.Signals) -> None:
        for pid in [*_session_members(self._main.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        # Where /proc does not exist (macOS) the group is the best that can be had.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._main.pid, number)


def _session_members(session: int) -> Iterator[int]:
    """The processes of a session that have not ended, by Linux's /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            # pid (name, which may hold anything) state ppid pgrp session ...
            state, _, _, owner = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(owner) == session and state != "Z":
                yield int(folder.name)
