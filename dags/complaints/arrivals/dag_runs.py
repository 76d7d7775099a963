"""Airflow as the orchestrator of arrivals: one DAG run for each, with an id made of the object's version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from complaints.arrivals.decision import RunState
from complaints.arrivals.events import Arrival
from complaints.arrivals.ledger import AIRFLOW, Run

StateOf = Callable[[str], RunState]


@dataclass(frozen=True)
class DagRuns:
    """The DAG runs of the classification; `ask` returns the state of one by its id, which only a task can look up."""

    ask: StateOf
    name: str = AIRFLOW

    @staticmethod
    def run_of(arrival: Arrival) -> Run:
        """The only run for an arrival."""
        return Run(AIRFLOW, f"arrival__{arrival.execution_name}")

    def state_of(self, run_id: str) -> RunState:
        """The state of a run."""
        return self.ask(run_id)
