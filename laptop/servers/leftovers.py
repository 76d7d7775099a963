"""Finds and stops every process that the servers of a state folder started, by a variable in its environment.

A server's process group is not enough: jobs have sessions of their own, and survive a server that was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

# Local AWS passes it on to its jobs, which inherit nothing else of the environment here.
MARK = "PTMLOPS_STATE"
_PROC = Path("/proc")


def mark(state: Path) -> dict[str, str]:
    """The environment variable that marks a process of this state folder."""
    return {MARK: str(state.absolute())}


def marked(state: Path) -> list[int]:
    """The ids of the state folder's processes; empty without /proc (macOS)."""
    entry = f"{MARK}={state.absolute()}".encode()
    return [pid for pid in _pids() if entry in _environment(pid)]


def stop_marked(state: Path, timeout: float = 10.0) -> int:
    """Stops the processes: SIGTERM, then SIGKILL after `timeout` seconds; returns how many there were."""
    found = marked(state)
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while (left := marked(state)) and time.monotonic() < deadline:
        time.sleep(0.05)
    # Repeatedly: a process that is just starting is found only once it has its environment.
    for _ in range(100):
        if not left:
            break
        _signal(left, signal.SIGKILL)
        time.sleep(0.02)
        left = marked(state)
    return len(found)


def members_of_group(group: int) -> list[int] | None:
    """The ids of the processes of a group that have not ended; None without /proc."""
    if not _PROC.is_dir():
        return None
    return [pid for pid in _pids() if _group(pid) == group]


def is_alive(pid: int) -> bool:
    """True if the process has not ended; without /proc, a zombie counts as alive."""
    if _PROC.is_dir():
        return _group(pid) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _pids() -> Iterator[int]:
    own = os.getpid()
    for folder in _PROC.glob("[0-9]*"):
        if (pid := int(folder.name)) != own:
            yield pid


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []  # it has ended, or belongs to another user


def _group(pid: int) -> int | None:
    try:
        # pid (name, which may contain anything) state ppid pgrp ...
        state, _, group = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return None if state == "Z" else int(group)
