"""What a call of a task leaves in the log: one JSON line with its run, its seconds, and the rows that it counted.

Never a complaint's text: the line is made of names and numbers only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from complaints.aws import embedded_metrics

# The tasks whose result is counts, such as an account's rows by fate, by the flow that they are about.
_COUNTS = {
    "complaints.tasks.classification.results_add_up": "complaints_classification",
    "complaints.tasks.overdue.overdue_transforms": "complaints_classification",
}


def observed(function: str, arguments: Mapping[str, Any], call: Callable[..., Any]) -> Any:
    """Calls a task and prints its line, also when it raises."""
    started = time.time()
    known: dict[str, Any] = {"function": function, "run_id": run_id_of(arguments)}
    try:
        result = call(**arguments)
    except Exception as error:
        print(_line(function, started, {**known, "outcome": "failed", "error": type(error).__name__}, 1), flush=True)
        raise
    known["run_id"] = known["run_id"] or run_id_of({"plan": result})
    print(_line(function, started, {**known, "outcome": "succeeded"}, 0), flush=True)
    if flow := _COUNTS.get(function):
        counts: dict[str, tuple[float, str]] = {metric_name(name): (count, "Count") for name, count in result.items()}
        print(embedded_metrics.line({"Flow": flow}, counts, time.time(), run_id=known["run_id"]), flush=True)
    return result


def _line(function: str, started: float, properties: Mapping[str, Any], failures: int) -> str:
    seconds: tuple[float, str] = (round(time.time() - started, 3), "Seconds")
    values: dict[str, tuple[float, str]] = {"Seconds": seconds, "Failures": (failures, "Count")}
    return embedded_metrics.line({"Step": function.rpartition(".")[2]}, values, started, **properties)


def run_id_of(arguments: Mapping[str, Any]) -> str:
    """The id of the run that a task works for, by its plan; empty where it has none."""
    plan = arguments.get("plan")
    return str(plan.get("run_id", "")) if isinstance(plan, Mapping) else ""


def metric_name(name: str) -> str:
    """`without_narrative` as CloudWatch's own metrics are written: `WithoutNarrative`."""
    return "".join(part.capitalize() for part in name.split("_"))
