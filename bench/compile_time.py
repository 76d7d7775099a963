"""`python -m bench.compile_time`: how long it takes to compile each DAG, and how that grows with the DAG."""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from bench.tables import machine, table
from stepfunctions.__main__ import EXPORTED, ROOT
from stepfunctions.compiler import compile_dag

_SIZES = (10, 100, 400)


def main() -> int:
    """Prints the table; returns 1 where a machine is not the one that is committed."""
    parser = argparse.ArgumentParser(prog="bench.compile_time", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="how often each DAG is compiled (default: %(default)s)")
    repeat = parser.parse_args().repeat
    rows = []
    for name, dag, committed in _dags():
        compiled, seconds = _timed(dag, repeat)
        text = json.dumps(compiled, indent=2) + "\n"
        if committed is not None and committed.read_text(encoding="utf-8") != text:
            print(f"{committed.name} is stale; run make export", file=sys.stderr)
            return 1
        times = (min(seconds), statistics.median(seconds), max(seconds))
        states = text.count('"Type":')
        rows.append(
            [name, len(dag.tasks), states, f"{len(text) / 1000:.1f}", *(f"{1000 * each:.1f}" for each in times)]
        )
    print(f"compile time, {repeat} times each; {machine()}\n")
    print(table(["DAG", "tasks", "states", "kB", "min ms", "median ms", "max ms"], rows))
    return 0


def _dags() -> Iterator[tuple[str, Any, Path | None]]:
    sys.path.insert(0, str(ROOT / "dags"))
    for file in sorted((ROOT / "dags").glob("*.py")):
        dag = importlib.import_module(file.stem).dag
        if EXPORTED in dag.tags:
            yield dag.dag_id, dag, ROOT / "stepfunctions" / f"{dag.dag_id}.asl.json"
    yield "tests' weather_report", importlib.import_module("tests.stepfunctions.example_dag").dag, None
    for size in _SIZES:
        yield f"{size} in series", series(size), None
    for size in _SIZES:
        yield f"{size} in groups of 10", groups(size), None


def _timed(dag: Any, repeat: int) -> tuple[dict[str, Any], list[float]]:
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        compiled = compile_dag(dag)
        seconds.append(time.perf_counter() - start)
    return compiled, seconds


def series(size: int) -> Any:
    """A DAG of `size` tasks, one after the other."""
    with DAG(dag_id=f"series_{size}", schedule=None, default_args={"execution_timeout": timedelta(minutes=1)}) as dag:
        tasks = [EmptyOperator(task_id=f"t{number:04}") for number in range(size)]
        for before, after in pairwise(tasks):
            before >> after
    return dag


def groups(size: int, width: int = 10) -> Any:
    """A DAG of about `size` tasks: `width` side by side, one that gathers them, and so on."""
    with DAG(dag_id=f"groups_{size}", schedule=None, default_args={"execution_timeout": timedelta(minutes=1)}) as dag:
        gathered = EmptyOperator(task_id="start")
        for number in range(size // (width + 1)):
            side = [EmptyOperator(task_id=f"t{number:04}_{place}") for place in range(width)]
            following = EmptyOperator(task_id=f"gathered{number:04}")
            gathered >> side >> following
            gathered = following
    return dag


if __name__ == "__main__":
    sys.exit(main())
