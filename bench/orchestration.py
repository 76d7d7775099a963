"""`python -m bench.orchestration`: the same run through Airflow and Step Functions, and the overhead of each."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.orchestrator_comparison import DifferentResultsError, Round, Run, check_same, report
from bench.results import record
from bench.tables import machine

_ABOUT = (
    "The same run on local AWS through Airflow and through Step Functions, with the same results. `jobs` is the "
    "time in Glue and SageMaker jobs, and `orchestration` is the rest of the wall time. `ratio` is the time "
    "through Airflow divided by the time through Step Functions."
)
ORCHESTRATORS = ("airflow", "stepfunctions")


class BrokenRunError(RuntimeError):
    """A run failed; its own error output gives the reason."""


def main() -> int:
    """Runs through both orchestrators in turn, prints the times and writes them to docs/benchmarks.md.

    Returns 1 if a run fails or the results differ.
    """
    parser = argparse.ArgumentParser(prog="bench.orchestration", description=__doc__)
    parser.add_argument("--repeat", type=int, default=1, help="runs through each orchestrator (default: %(default)s)")
    parser.add_argument("--train", action="append", default=[], help="labelled complaints CSV (default: the sample)")
    parser.add_argument("--classify", action="append", default=[], help="complaints CSV to classify")
    options = parser.parse_args()
    data = [part for name in ("train", "classify") for path in getattr(options, name) for part in (f"--{name}", path)]
    print(f"{_ABOUT}\n\n{options.repeat} runs through each, in turn; {machine()}", flush=True)
    try:
        rounds = [_round(number, data) for number in range(options.repeat)]
    except (BrokenRunError, DifferentResultsError) as error:
        print(error, file=sys.stderr)
        return 1
    files = {name: [Path(path).name for path in getattr(options, name)] for name in ("train", "classify")}
    of = ", ".join(f"{name} {' '.join(named) or 'the sample'}" for name, named in files.items())
    text = f"same results from both; medians, rounds: {options.repeat}\n\n{report(rounds)}"
    print(text)
    record("orchestration", _ABOUT, f"{of}; {text}")
    return 0


def _round(number: int, data: Sequence[str]) -> Round:
    """One run through each orchestrator. The order alternates, since the second run profits from warm caches."""
    with tempfile.TemporaryDirectory() as folder:
        turn = ORCHESTRATORS if number % 2 == 0 else ORCHESTRATORS[::-1]
        done = {name: _run(Path(folder) / name, name, data) for name in turn}
        runs = {name: done[name] for name in ORCHESTRATORS}
        check_same(runs, {name: published(Path(folder) / name) for name in runs})
    return runs


def _run(build: Path, orchestrator: str, data: Sequence[str]) -> Run:
    command = [sys.executable, "-m", "laptop", "run", "--build", str(build), "--orchestrator", orchestrator, *data]
    if code := subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        raise BrokenRunError(f"the run through {orchestrator} failed with exit code {code}, so nothing can be compared")
    summary: Run = json.loads((build / "summary.json").read_text(encoding="utf-8"))
    return summary


def published(build: Path) -> list[dict[str, Any]]:
    """All predictions of a run."""
    files = sorted((build / "predictions").glob("*.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


if __name__ == "__main__":
    sys.exit(main())
