"""Every process that a state folder's servers started, found by a mark in its environment, and ended to the last one.

A server's process group is not all of it: jobs have sessions of their own, and outlive a server that was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

# Local AWS hands it on to its jobs, which inherit nothing else that is ours.
MARK = "PTMLOPS_STATE"
_PROC = Path("/proc")


def mark(state: Path) -> dict[str, str]:
    """The environment variable that every process of this state folder has."""
    return {MARK: str(state.absolute())}


def marked(state: Path) -> list[int]:
    """The processes of this state folder; none where there is no /proc (macOS)."""
    entry = f"{MARK}={state.absolute()}".encode()
    return [pid for pid in _pids() if entry in _environment(pid)]


def stop_marked(state: Path, patience: float = 10.0) -> int:
    """SIGTERM to each, and SIGKILL to what is left after `patience` seconds; returns how many there were."""
    found = marked(state)
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while (left := marked(state)) and time.monotonic() < deadline:
        time.sleep(0.05)
    # Again and again: one that is being started is not seen before it has its environment.
    for _ in range(100):
        if not left:
            break
        _signal(left, signal.SIGKILL)
        time.sleep(0.02)
        left = marked(state)
    return len(found)


def members_of_group(group: int) -> list[int] | None:
    """The processes of a group that have not ended; None where there is no /proc to tell."""
    if not _PROC.is_dir():
        return None
    return [pid for pid in _pids() if _group(pid) == group]


def is_alive(pid: int) -> bool:
    """Whether a process has not ended; where there is no /proc to tell, one that nobody has waited for counts, too."""
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
        return []  # ended meanwhile, or another user's


def _group(pid: int) -> int | None:
    try:
        # pid (name, which may hold anything) state ppid pgrp ...
        state, _, group = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return None if state == "Z" else int(group)
