"""The processes that tests left running, found because their orphans become children of this process (Linux only)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

# From Linux's prctl.h.
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def stop_descendants() -> list[str]:
    """Kills every descendant of this process; returns their command lines."""
    stopped = []
    # Killing a parent makes its children ours: until none is left.
    while found := _descendants():
        for pid, command in found.items():
            stopped.append(command)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0)[0]:
                pass
    return stopped


def _descendants() -> dict[int, str]:
    """The command lines of this process's descendants, by process id; none where there is no /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(stat.parent.name)] = int(parent)
    found: dict[int, str] = {}
    waiting = [os.getpid()]
    while waiting:
        parent = waiting.pop()
        for pid in [pid for pid, of in parents.items() if of == parent]:
            with suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            waiting.append(pid)
    return found
