"""`python -m bench.orchestration`: the same run through both orchestrators, and what each adds to the jobs' time."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench.tables import machine, table

ORCHESTRATORS = ("airflow", "stepfunctions")
# What must be the same, whoever ran it.
_SECTIONS = ("release", "training", "model", "classification")
Run = Mapping[str, Any]


class DifferentResultsError(RuntimeError):
    """The two ways did not do the same, so that their times cannot be compared."""


def main() -> int:
    """Runs both ways, one after the other, and prints the figures side by side."""
    parser = argparse.ArgumentParser(prog="bench.orchestration", description=__doc__)
    parser.add_argument("--repeat", type=int, default=1, help="how often each way is run (default: %(default)s)")
    parser.add_argument("--train", action="append", default=[], help="labelled complaints CSV (default: the sample)")
    parser.add_argument("--classify", action="append", default=[], help="complaints CSV to classify")
    options = parser.parse_args()
    data = [part for name in ("train", "classify") for path in getattr(options, name) for part in (f"--{name}", path)]
    print(f"orchestration, {options.repeat} times each way, in turn; {machine()}", flush=True)
    for number in range(options.repeat):
        with tempfile.TemporaryDirectory() as folder:
            runs = {name: _run(Path(folder) / name, name, data) for name in ORCHESTRATORS}
            check_same(runs, {name: published(Path(folder) / name) for name in runs})
            print(f"\nrun {number + 1}: the same results; seconds\n\n{report(runs)}", flush=True)
    return 0


def _run(build: Path, orchestrator: str, data: Sequence[str]) -> Run:
    command = [sys.executable, "-m", "laptop", "run", "--build", str(build), "--orchestrator", orchestrator, *data]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    summary: Run = json.loads((build / "summary.json").read_text(encoding="utf-8"))
    return summary


def published(build: Path) -> list[dict[str, Any]]:
    """Every prediction of a run, in the order of the complaints."""
    files = sorted((build / "predictions").glob("*.parquet"))
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return sorted(rows, key=lambda row: str(row["complaint_id"]))


def check_same(runs: Mapping[str, Run], predictions: Mapping[str, list[dict[str, Any]]]) -> None:
    """Raises DifferentResultsError where the runs differ in an account, in a score or in a prediction."""
    first, second = runs
    for section in _SECTIONS:
        if runs[first][section] != runs[second][section]:
            raise DifferentResultsError(f"{first} and {second} differ in {section!r} of the summary")
    if predictions[first] != predictions[second]:
        raise DifferentResultsError(f"{first} and {second} published different predictions")


def report(runs: Mapping[str, Run]) -> str:
    """Wall time, job time, and the difference, for each flow and in all."""
    first, second = runs
    rows = []
    for ours, theirs in zip(runs[first]["flows"], runs[second]["flows"], strict=True):
        for label, figure in _FIGURES.items():
            one, two = figure(ours), figure(theirs)
            rows.append([f"{ours['dag_id']}: {label}", f"{one:.1f}", f"{two:.1f}", ratio(one, two)])
    for label in ("start_up", "work", "orchestration", "total"):
        one, two = runs[first]["seconds"][label], runs[second]["seconds"][label]
        rows.append([f"the whole run: {label.replace('_', '-')}", f"{one:.1f}", f"{two:.1f}", ratio(one, two)])
    return table(["", first, second, "ratio"], rows)


def _job_seconds(flow: Run) -> float:
    return float(sum(step["job_seconds"] or 0.0 for step in flow["steps"]))


def _wall_seconds(flow: Run) -> float:
    return float(flow["seconds"])


def _orchestration_seconds(flow: Run) -> float:
    return _wall_seconds(flow) - _job_seconds(flow)


_FIGURES = {"wall": _wall_seconds, "jobs": _job_seconds, "orchestration": _orchestration_seconds}


def ratio(one: float, two: float) -> str:
    """How many times as long the first takes."""
    return f"{one / two:.2f}" if two else "-"


if __name__ == "__main__":
    sys.exit(main())
