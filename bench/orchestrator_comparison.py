"""Two runs of the same flows compared: the results must be equal, the times are shown side by side."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from bench.tables import ratio, table

Run: TypeAlias = Mapping[str, Any]
# One round: the summary of a run by its orchestrator.
Round: TypeAlias = Mapping[str, Run]

# The sections of a summary that must be equal.
_SECTIONS = ("release", "training", "model", "classification")


class DifferentResultsError(RuntimeError):
    """The runs have different results, so their times cannot be compared."""


def check_same(runs: Round, predictions: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Checks that the runs agree in every row count, score and prediction; run ids may differ.

    Raises:
        DifferentResultsError: they differ, or nothing was published.
    """
    first, second = runs
    for section in _SECTIONS:
        if _without_run_id(runs[first][section]) != _without_run_id(runs[second][section]):
            raise DifferentResultsError(f"{first} and {second} differ in {section!r} of the summary")
    if _flows(runs[first]) != _flows(runs[second]):
        raise DifferentResultsError(f"{first} and {second} ran {_flows(runs[first])} and {_flows(runs[second])}")
    published = {name: sorted(map(_row, predictions[name])) for name in runs}
    if not any(published.values()):
        raise DifferentResultsError(f"{first} and {second} published nothing")
    if published[first] != published[second]:
        counts = " and ".join(f"{len(rows):,}" for rows in published.values())
        raise DifferentResultsError(f"{first} and {second} published different predictions, in {counts} rows")


def _without_run_id(value: Any) -> Any:
    return {name: each for name, each in value.items() if name != "run_id"} if isinstance(value, Mapping) else value


def _flows(run: Run) -> dict[str, str]:
    return {flow["dag_id"]: flow["state"] for flow in run["flows"]}


def _row(prediction: Mapping[str, Any]) -> str:
    # As text, since None and a number cannot be sorted; repr() keeps every bit of a float.
    return repr(sorted(_without_run_id(prediction).items()))


def report(rounds: Sequence[Round]) -> str:
    """Two tables of medians over the rounds: each flow and the whole run, then each step.

    The wall time of a flow is from the start of its first step to the end of its last. The time until it starts is part
    of the whole run only.
    """
    return f"{_overview(rounds)}\n\n{_steps(rounds)}"


def _overview(rounds: Sequence[Round]) -> str:
    first, second = rounds[0]
    one, two = (_medians(rounds, name, flow_seconds) for name in (first, second))
    rows = [[label, _cell(one[label]), _cell(two[label]), ratio(one[label], two[label])] for label in one]
    return table(["seconds", first, second, "ratio"], rows)


def _steps(rounds: Sequence[Round]) -> str:
    """The steps of both runs; `-` if a run has no such step, or the step starts no job."""
    first, second = rounds[0]
    one, two = (_medians(rounds, name, step_seconds) for name in (first, second))
    job_one, job_two = (_medians(rounds, name, job_seconds) for name in (first, second))
    rows = []
    for label in {**one, **two}:
        cells = [_cell(each.get(label)) for each in (one, job_one, two, job_two)]
        rows.append([label, *cells, ratio(one[label], two[label]) if label in one and label in two else "-"])
    return table(["seconds per step", first, "its job", second, "its job", "ratio"], rows)


def flow_seconds(run: Run) -> dict[str, float]:
    """Wall time, job time and their difference for each flow, and the parts of the whole run as in its summary."""
    seconds: dict[str, float] = {}
    for flow in run["flows"]:
        wall, jobs = flow["seconds"], sum(step["job_seconds"] or 0.0 for step in flow["steps"])
        parts = {"wall": wall, "jobs": jobs, "orchestration": wall - jobs}
        seconds |= {f"{flow['dag_id']}: {name}": each for name, each in parts.items()}
    whole = {name: run["seconds"][name] for name in ("start_up", "work", "orchestration", "total")}
    return seconds | {f"the whole run: {name.replace('_', '-')}": each for name, each in whole.items()}


def step_seconds(run: Run) -> dict[str, float]:
    """The time of each step from its start to its end."""
    return {f"{flow['dag_id']}: {step['task_id']}": step["seconds"] for flow in run["flows"] for step in flow["steps"]}


def job_seconds(run: Run) -> dict[str, float]:
    """The job's time for each step that starts a job."""
    steps = [(flow["dag_id"], step) for flow in run["flows"] for step in flow["steps"]]
    return {
        f"{flow}: {step['task_id']}": step["job_seconds"] for flow, step in steps if step["job_seconds"] is not None
    }


def _medians(rounds: Sequence[Round], name: str, figures: Callable[[Run], dict[str, float]]) -> dict[str, float]:
    each = [figures(runs[name]) for runs in rounds]
    return {label: statistics.median(one[label] for one in each) for label in each[0]}


def _cell(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"
