"""How much memory a process and all that it starts need at most, as Linux counts it."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

_EVERY = 0.1  # seconds


def peak_memory_while(process: subprocess.Popen[str]) -> tuple[str, float]:
    """What the process writes until it ends, and the most that it and its children held at a time, in MB.

    A page that several of them share is counted once (`Pss`, proc_pid_smaps(5)).
    """
    peak, ended = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(_EVERY):
            peak = max(peak, sum(map(_held, _tree(process.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        said, _ = process.communicate()
    finally:
        ended.set()
        watcher.join()
    return said, peak


def _tree(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for each in found:
        try:
            children = [path.read_text().split() for path in Path(f"/proc/{each}/task").glob("*/children")]
        except OSError:  # it has ended
            continue
        found += [int(child) for line in children for child in line]
    return found


def _held(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:")), 0.0)
