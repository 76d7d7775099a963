"""`python -m bench.compile_time`: the time to import each DAG and to compile it to a state machine.

The growth with the number of tasks is measured on synthetic DAGs. Before anything is timed, each compiled machine is
compared with the committed one, or with a second compilation.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.import_time import in_fresh_interpreters
from bench.results import record
from bench.synthetic_dags import SHAPES
from bench.tables import growth, machine, spread, table
from stepfunctions.__main__ import EXPORTED, ROOT, exported
from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.scopes import scopes_of
from stepfunctions.compiler.triggers import triggers_of

_DAGS = ROOT / "dags"
_ABOUT = (
    "Time to import each DAG file and to compile it to a state machine. No other tool is compared: the time to "
    "import Airflow itself stands beside that of the DAG file, and synthetic DAGs show how compile time grows "
    "with the number of tasks (`growth`, the exponent from the row above; n^1.0 is linear)."
)


class WrongMachineError(RuntimeError):
    """A compiled machine is wrong, so its compile time means nothing."""


@dataclass(frozen=True)
class Flow:
    """A DAG with its module, and the file of its committed machine if there is one."""

    module: str
    dag: Any
    committed: Path | None


def main() -> int:
    """Prints the tables and writes them to docs/benchmarks.md; returns 1 if a machine is wrong."""
    parser = argparse.ArgumentParser(prog="bench.compile_time", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="compilations of each DAG (default: %(default)s)")
    parser.add_argument("--imports", type=int, default=3, help="imports of each DAG file (default: %(default)s)")
    options = parser.parse_args()
    flows = list(_flows())
    shapes = [(kind, make(size)) for kind, (make, sizes) in SHAPES.items() for size in sizes]
    try:
        for dag, committed in [*((flow.dag, flow.committed) for flow in flows), *((dag, None) for _, dag in shapes)]:
            check(dag, compile_dag(dag), committed)
    except WrongMachineError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{_ABOUT}\n\nEvery compiled machine is right. {machine()}\n", flush=True)
    text = (
        f"import time in seconds, {options.imports} new interpreters: median of Airflow, then the DAG file after it\n\n"
        f"{_imports(flows, options.imports)}\n\n"
        f"compile time in milliseconds, {options.repeat} runs; growth: exponent of the tasks, from the row above\n\n"
        f"{_compilations([*((flow.dag.dag_id, flow.dag) for flow in flows), *shapes], options.repeat)}"
    )
    print(text)
    record("compile", _ABOUT, text, ["apache-airflow"])
    return 0


def _flows() -> Iterator[Flow]:
    sys.path.insert(0, str(_DAGS))
    for file in sorted(_DAGS.glob("*.py")):
        dag = importlib.import_module(file.stem).dag
        if EXPORTED in dag.tags:
            yield Flow(file.stem, dag, ROOT / "stepfunctions" / f"{dag.dag_id}.asl.json")
    example = "tests.stepfunctions.compiler.example_dag"
    yield Flow(example, importlib.import_module(example).dag, None)


def check(dag: Any, compiled: Mapping[str, Any], committed: Path | None) -> None:
    """Checks that `compiled` equals the committed file; without one, that it has each task once and compiles again.

    Raises:
        WrongMachineError: it does not.
    """
    if committed is not None:
        if not committed.exists() or committed.read_text(encoding="utf-8") != exported(compiled):
            raise WrongMachineError(f"{committed.name} is not what {dag.dag_id} compiles to; run `make export`")
        return
    names = [name for scope in scopes_of("", compiled) for name in scope.states]
    started = {task.task_id for task in triggers_of(dag)}
    if wrong := [task_id for task_id in dag.task_ids if task_id not in started and names.count(task_id) != 1]:
        raise WrongMachineError(f"{dag.dag_id}: {', '.join(wrong)} should each be one state")
    if as_text(compile_dag(dag)) != as_text(compiled):
        raise WrongMachineError(f"{dag.dag_id} compiles to a different machine the second time")


def as_text(compiled: Mapping[str, Any]) -> str:
    """The machine as `make export` writes it, but for the names in it."""
    return json.dumps(compiled, indent=2) + "\n"


def _imports(flows: Iterable[Flow], repeat: int) -> str:
    rows = []
    for flow in flows:
        seconds = in_fresh_interpreters(flow.module, (ROOT, _DAGS), repeat)
        airflow, ours = ([pair[place] for pair in seconds] for place in (0, 1))
        rows.append([flow.dag.dag_id, f"{statistics.median(airflow):.2f}", *spread(ours, "{:.2f}")])
    return table(["DAG file", "Airflow", "min", "median", "max"], rows)


def _compilations(dags: Iterable[tuple[str, Any]], repeat: int) -> str:
    rows = []
    before: tuple[str, int, float] | None = None
    for kind, dag in dags:
        compiled, seconds = _timed(dag, repeat)
        tasks, median = len(dag.tasks), statistics.median(seconds)
        power = growth(before[1:], (tasks, median)) if before and before[0] == kind else ""
        before = (kind, tasks, median)
        states = sum(len(scope.states) for scope in scopes_of("", compiled))
        size = f"{len(as_text(compiled).encode()) / 1000:.1f}"
        rows.append([kind, tasks, states, size, *spread([1000 * each for each in seconds], "{:.1f}"), power])
    return table(["DAG", "tasks", "states", "kB", "min", "median", "max", "growth"], rows)


def _timed(dag: Any, repeat: int) -> tuple[dict[str, Any], Sequence[float]]:
    seconds = []
    compiled: dict[str, Any] = {}
    for _ in range(repeat):
        start = time.perf_counter()
        compiled = compile_dag(dag)
        seconds.append(time.perf_counter() - start)
    return compiled, seconds


if __name__ == "__main__":
    sys.exit(main())
