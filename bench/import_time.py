"""`python -m bench.import_time MODULE`: the time to import Airflow, and then the module, in a new interpreter."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def in_fresh_interpreters(module: str, path: Sequence[Path], repeat: int) -> list[tuple[float, float]]:
    """The seconds to import Airflow, and to import `module` after it, in each of `repeat` interpreters.

    Both are measured in the same interpreter, so neither is the difference of two noisy figures. `path`: folders to
    import from.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(each) for each in path)}
    command = [sys.executable, "-W", "ignore", "-m", "bench.import_time", module]
    seconds = []
    for _ in range(repeat):
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        airflow, ours = json.loads(done.stdout.splitlines()[-1])
        seconds.append((airflow, ours))
    return seconds


def main() -> None:
    """Prints both times as JSON."""
    parser = argparse.ArgumentParser(prog="bench.import_time", description=__doc__)
    parser.add_argument("module")
    module = parser.parse_args().module
    start = time.perf_counter()
    # airflow.sdk loads its names on first access: access the one that every DAG file uses.
    _ = importlib.import_module("airflow.sdk").DAG
    airflow = time.perf_counter()
    importlib.import_module(module)
    print(json.dumps([airflow - start, time.perf_counter() - airflow]))


if __name__ == "__main__":
    main()
