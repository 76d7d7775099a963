"""`python -m bench.timed_job SCRIPT ARGUMENT...`: runs a job's script, with the time before each line."""

from __future__ import annotations

import builtins
import runpy
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Runs the script as `python SCRIPT` does."""
    start, original = time.perf_counter(), builtins.print

    def timed(*values: Any, **options: Any) -> None:
        original(f"[{time.perf_counter() - start:.2f}]", *values, **options)

    builtins.print = timed
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    runpy.run_path(sys.argv[0], run_name="__main__")
    timed("the end")


if __name__ == "__main__":
    main()
