"""A server of ours in a process group of its own, with its log in a file, that is gone when we are."""

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

from laptop.servers.leftovers import members_of_group


class ServerError(RuntimeError):
    """A server did not start, or died; the message says where its log is and how it ends."""


class Server:
    """A running command; leaving the `with` block stops its whole process group."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
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
        """The command's process, which is also its group and its session."""
        return self._process.pid

    def check(self) -> None:
        """Raises ServerError if the process has ended."""
        if self._process.poll() is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise ServerError(f"{self.name} ended with code {self._process.returncode}; {self.log} ends:\n{last}")

    def stop(self, patience: float = 15) -> None:
        """SIGTERM to the group, and SIGKILL to what is left of it after `patience` seconds."""
        deadline = time.monotonic() + patience
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        # The first process may be the first to go, before those that have to put things in order.
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


def check_port(port: int) -> None:
    """Raises ServerError if somebody listens on this loopback port already."""
    if is_in_use(port):
        raise ServerError(f"port {port} is in use; stop what listens there, or choose another: make up PORT=8081")


def is_in_use(port: int) -> bool:
    """Whether somebody listens on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
