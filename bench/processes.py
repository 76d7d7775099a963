"""A contender in a process of its own, with the peak memory of that process and its children."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_EVERY = 0.1  # seconds


class ContenderError(RuntimeError):
    """A contender failed; its own error output gives the reason."""


@dataclass(frozen=True)
class Measured:
    """One run: wall time in seconds, peak memory of all its processes together in MB, and its standard output."""

    seconds: float
    peak_memory_mb: float
    output: str


def measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Runs a command to its end. Standard output is captured, standard error is not.

    Memory is the proportional set size, which counts a page shared by several processes once; Linux only.

    Raises:
        ContenderError: the command failed.
    """
    peak = 0.0
    # Not a pipe: nothing reads it before the end, and a full pipe would block the contender.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=printed, env={**os.environ, **(environment or {})}) as process:
            while process.poll() is None:
                peak = max(peak, sum(_memory_mb(each) for each in _family(process.pid)))
                time.sleep(_EVERY)
        seconds = time.perf_counter() - start
        printed.seek(0)
        output = printed.read()
    if process.returncode:
        raise ContenderError(
            f"{command[0]} failed with exit code {process.returncode}; its last output: {output[-500:]}"
        )
    return Measured(seconds, peak, output)


def own_peak_memory_mb() -> float:
    """The peak memory of this process. Not `ru_maxrss`, which starts at the parent's memory."""
    lines = (_PROC / "self" / "status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM:"))


def _family(pid: int) -> Iterator[int]:
    """The process and all of its descendants."""
    yield pid
    tasks: list[Path] = []
    # A process and each of its threads may have ended since they were named.
    with suppress(OSError):
        tasks += (_PROC / str(pid) / "task").iterdir()
    children: list[str] = []
    for task in tasks:
        with suppress(OSError):
            children += (task / "children").read_text().split()
    for child in children:
        yield from _family(int(child))


def _memory_mb(pid: int) -> float:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:")), 0.0)
