"""A server process in a process group of its own, with its log in a file, stopped at the end of a `with` block."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from laptop.servers.leftovers import members_of_group

_LAST_PORT = 65535


class ServerError(RuntimeError):
    """A server did not start, died or refused a request, or its state cannot be used; the message says why."""


class Server:
    """A running command; leaving the `with` block stops its whole process group."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with private_log(log) as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the command's process, which is also the id of its process group and session."""
        return self._process.pid

    def check(self) -> None:
        """Raises ServerError if the process has ended."""
        if self._process.poll() is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise ServerError(
                f"{self.name} ended with exit code {self._process.returncode}; the last lines of {self.log}:\n{last}"
            )

    def stop(self, timeout: float = 15) -> None:
        """Sends SIGTERM to the process group, and SIGKILL to what is left of it after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        # The first process may end before others of its group that still clean up.
        while members_of_group(self._process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def private_log(file: Path) -> BinaryIO:
    """An empty file to write a log to, which only its owner can read, even if it existed with another mode."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")


def check_port(port: int) -> None:
    """Raises ServerError if the loopback port is in use, or is none."""
    if not 0 < port <= _LAST_PORT:
        raise ServerError(f"port {port} does not exist: name one from 1 to {_LAST_PORT}, for example make up PORT=8081")
    if is_in_use(port):
        raise ServerError(
            f"port {port} is in use; stop the program that uses it, or choose another port: make up PORT=8081"
        )


def is_in_use(port: int) -> bool:
    """True if a process listens on the loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
