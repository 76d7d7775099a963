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
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any, Literal

from localaws.jobs.processes import Command, Main, Processes

_SCRIPT = Path(__file__).resolve().parents[1] / "container" / "fork_server.py"
# An interpreter and its libraries read them when they start. A fork sets the one that a job may ask for.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_")
_SET_IN_FORK = ("PYTHONDONTWRITEBYTECODE",)

_log = logging.getLogger(__name__)


class Outputs:
    """The pipes of a job's standard output and standard error, which can be one; a context around its start."""

    def __init__(self, merged: bool) -> None:
        self._theirs, self._ours = ExitStack(), ExitStack()
        output, self.stdout = _pipe(self._theirs, self._ours)
        self.stderr: IO[bytes] | None = None
        self.given = output, output
        if not merged:
            errors, self.stderr = _pipe(self._theirs, self._ours)
            self.given = output, errors

    def __enter__(self) -> "Outputs":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Nobody else writes: the end of the job is the end of what it writes.
        self._theirs.close()
        if kind:
            self._ours.close()


class Fork:
    """A fork, waited for as for a `subprocess.Popen`."""

    stdin = None

    def __init__(self, told: IO[bytes], stdout: IO[bytes] | None = None, stderr: IO[bytes] | None = None) -> None:
        """Waits until it is forked.

        Raises:
            OSError: the process that forks has ended.
        """
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None
        self._told = told
        self.pid = int(self._line() or 0)
        if not self.pid:
            told.close()
            raise OSError("the process that forks has ended")

    def wait(self, timeout: float) -> int:
        """The exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        if self.returncode is None:
            if not is_readable(self._told, timeout):
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


def is_readable(file: IO[bytes], timeout: float) -> bool:
    """True once a file has something to read, or has ended; False after so many seconds."""
    with selectors.DefaultSelector() as ready:
        ready.register(file, selectors.EVENT_READ)
        return bool(ready.select(timeout))


class ForkedProcesses(Processes):
    """A fork with all its children."""

    def __init__(self, fork: Main) -> None:
        self._main = fork


class Forking:
    """A process that forks (`container.fork_server`), by its socket."""

    def __init__(self) -> None:
        self._socket, self.given = socket.socketpair()
        self._lock = Lock()

    def ask(self, job: Mapping[str, Any], outputs: Outputs, stdin: int | None = None) -> IO[bytes]:
        """Asks for a fork, which reads `job`; returns the file with its process id and its exit code, for a `Fork`.

        Raises:
            OSError: the process has ended.
        """
        with ExitStack() as theirs, ExitStack() as ours:
            read, given = _pipe(theirs, ours, "wb")
            told, telling = _pipe(theirs, ours)
            files = array.array("i", [read, *outputs.given, told, *([] if stdin is None else [stdin])])
            with self._lock:
                self._socket.sendmsg([b"1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
            theirs.close()
            with given:
                given.write(json.dumps(job).encode())
            # From now on it is closed by who reads it.
            ours.pop_all()
            return telling

    def close(self) -> None:
        """Asks no more: the process ends after its forks."""
        with self._lock:
            self._socket.close()


class Forks:
    """Starts commands in forks of one interpreter, which has imported `names`.

    It starts with the first command, or by `get_ready`. While it is not `is_on`, all commands get new processes;
    those that need an interpreter of their own always do.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, names: Sequence[str], is_on: bool) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._names = names
        self._is_on = is_on
        self._lock = Lock()
        self._server: tuple[subprocess.Popen[bytes], Forking] | None = None

    def get_ready(self) -> None:
        """Start the interpreter before there is a command, unless it is off."""
        if self._is_on:
            self._forking()

    def start(self, command: Command, merge_output: bool) -> Processes:
        """The processes of a command."""
        if self.can_fork(command):
            with suppress(OSError), Outputs(merge_output) as outputs:
                return ForkedProcesses(self.fork(command, outputs))
        return Processes(command, merge_output)

    def close(self) -> None:
        """Ends the interpreter; the next commands start new processes."""
        self._is_on = False
        self._end()

    def can_fork(self, command: Command) -> bool:
        """True if the command can run in a fork."""
        program, *arguments = command.arguments
        if not self._is_on or program != sys.executable or not arguments or not arguments[0].endswith(".py"):
            return False
        return _read_at_start(command.environment) == _read_at_start(self._environment)

    def fork(self, command: Command, outputs: Outputs, stdin: int | None = None) -> Fork:
        """A fork that runs the command; `stdin` is its standard input, which is empty otherwise.

        Raises:
            OSError: the process that forks has ended; there will be a new one.
        """
        job = {"arguments": command.arguments[1:], "environment": command.environment, "folder": str(command.folder)}
        try:
            return Fork(self._forking().ask(job, outputs, stdin), outputs.stdout, outputs.stderr)
        except OSError:
            _log.warning("the process that forks has ended: the job gets a new one")
            self._end()
            raise

    def _forking(self) -> Forking:
        with self._lock:
            if self._server is None:
                forking = Forking()
                command = [sys.executable, str(_SCRIPT), str(self._folder), *self._names]
                with forking.given as stdin:
                    process = subprocess.Popen(
                        command, env=self._environment, stdin=stdin.fileno(), start_new_session=True
                    )
                self._server = process, forking
            return self._server[1]

    def _end(self) -> None:
        with self._lock:
            if self._server:
                process, forking = self._server
                forking.close()
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
