"""Runs a contender in a process of its own, and watches how much memory it and its children hold together."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_EVERY = 0.1  # seconds


class ContenderError(RuntimeError):
    """A contender ended with an error; it has said why itself."""


@dataclass(frozen=True)
class Measured:
    """One run: wall time in seconds, the most memory of all its processes at a time in MB, and what it printed."""

    seconds: float
    peak_memory_mb: float
    output: str


def measured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Runs a command to its end. Its standard output is returned, its errors are shown.

    Memory is the proportional set size, where a page that several processes share is counted once; Linux only.

    Raises:
        ContenderError: the command failed.
    """
    peak = 0.0
    # Not a pipe: a contender that prints much would wait for somebody to read.
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
        raise ContenderError(f"{command[0]} ended with exit code {process.returncode}; its last words: {output[-500:]}")
    return Measured(seconds, peak, output)


def own_peak_memory_mb() -> float:
    """The most memory that this process has held. Not `ru_maxrss`: that begins with what its parent held."""
    lines = (_PROC / "self" / "status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM:"))


def _family(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    for task in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has just ended
            continue
        for child in children:
            yield from _family(int(child))


def _memory_mb(pid: int) -> float:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:")), 0.0)
