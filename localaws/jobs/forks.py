"""The processes of jobs that run a Python script: forks of an interpreter that has imported what all of them need.

Each is used once, and sees no difference to a new interpreter, but that its imports are done.
"""

import array
import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import IO, Literal

from localaws.jobs.processes import Command, Processes

_SCRIPT = Path(__file__).resolve().parents[1] / "container" / "fork_server.py"
# An interpreter and its libraries read them when they start. A fork sets the one that a job may ask for.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_")
_SET_IN_FORK = ("PYTHONDONTWRITEBYTECODE",)

_log = logging.getLogger(__name__)


class Fork:
    """A fork, waited for as for a `subprocess.Popen`."""

    stdin = None

    def __init__(self, told: IO[bytes], stdout: IO[bytes], stderr: IO[bytes] | None) -> None:
        """Waits until it is forked.

        Raises:
            OSError: the process that forks has ended.
        """
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None
        self._told = told
        self.pid = int(self._line() or 0)
        if not self.pid:
            raise OSError("the process that forks has ended")

    def wait(self, timeout: float) -> int:
        """The exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        if self.returncode is None:
            with selectors.DefaultSelector() as ready:
                ready.register(self._told, selectors.EVENT_READ)
                if not ready.select(timeout):
                    raise subprocess.TimeoutExpired("fork", timeout)
            # Without a code, the process that forks was killed, and nobody can tell how this one ends.
            self.returncode = int(self._line() or -signal.SIGKILL)
            self._told.close()
        return self.returncode

    def _line(self) -> bytes:
        # Not by `readline`, which might take the second line along where `select` looks for it in vain.
        line = b""
        while not line.endswith(b"\n") and (read := os.read(self._told.fileno(), 1)):
            line += read
        return line


class ForkedProcesses(Processes):
    """A fork with all its children."""

    def __init__(self, fork: Fork) -> None:
        self._main = fork


class Forks:
    """Starts commands in forks of one interpreter; it starts with the first of them, and has imported `names`.

    While it is not `is_on`, and for commands that need an interpreter of their own, it starts new processes.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, names: Sequence[str], is_on: bool) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._names = names
        self._is_on = is_on
        self._lock = Lock()
        self._server: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    def start(self, command: Command, merge_output: bool) -> Processes:
        """The processes of a command."""
        if self._is_on and self._can_fork(command):
            try:
                return ForkedProcesses(self._fork(command, merge_output))
            except OSError:
                _log.warning("the process that forks has ended: the job gets a new one")
                self._end()
        return Processes(command, merge_output)

    def close(self) -> None:
        """Ends the interpreter; the next commands start new processes."""
        self._is_on = False
        self._end()

    def _can_fork(self, command: Command) -> bool:
        program, *arguments = command.arguments
        if program != sys.executable or not arguments or not arguments[0].endswith(".py"):
            return False
        return _read_at_start(command.environment) == _read_at_start(self._environment)

    def _fork(self, command: Command, merge_output: bool) -> Fork:
        with ExitStack() as theirs, ExitStack() as ours:
            job, given = _pipe(theirs, ours, "wb")
            output, stdout = _pipe(theirs, ours)
            errors, stderr = (output, None) if merge_output else _pipe(theirs, ours)
            told, telling = _pipe(theirs, ours)
            files = array.array("i", [job, output, errors, told])
            with self._lock:
                self._socket().sendmsg([b"1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
            # Nobody else writes: the end of the fork is the end of what it writes.
            theirs.close()
            document = {"arguments": command.arguments[1:], "environment": command.environment}
            with given:
                given.write(json.dumps({**document, "folder": str(command.folder)}).encode())
            fork = Fork(telling, stdout, stderr)
            # From now on they are closed by who reads them.
            ours.pop_all()
            return fork

    def _socket(self) -> socket.socket:
        if self._server is None:
            ours, theirs = socket.socketpair()
            command = [sys.executable, str(_SCRIPT), str(self._folder), *self._names]
            with theirs:
                process = subprocess.Popen(
                    command, env=self._environment, stdin=theirs.fileno(), start_new_session=True
                )
            self._server = process, ours
        return self._server[1]

    def _end(self) -> None:
        with self._lock:
            if self._server:
                process, ours = self._server
                ours.close()
                process.kill()
                process.wait()
                self._server = None


def _pipe(theirs: ExitStack, ours: ExitStack, mode: Literal["rb", "wb"] = "rb") -> tuple[int, IO[bytes]]:
    """A pipe: the end that the fork gets, and the end that is ours to read or to write."""
    read, written = os.pipe()
    given, kept = (written, read) if mode == "rb" else (read, written)
    theirs.callback(os.close, given)
    return given, ours.enter_context(os.fdopen(kept, mode))


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_READ_AT_START) and name not in _SET_IN_FORK
    }
