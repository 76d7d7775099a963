"""The interface that Airflow and Step Functions share here: start a run, read its state, its tasks and their logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

# The states in which a run or task no longer changes; Airflow's names.
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed"})


class Raised(NamedTuple):
    """An error as an orchestrator has it: its type, and its message or, of a state machine, its cause."""

    error: str
    cause: str


class Orchestrator(Protocol):
    """Airflow or Step Functions; states and tasks have Airflow's names."""

    name: str
    address: str

    def check(self) -> None:
        """Raises ServerError if one of its servers has died."""

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Starts a run with `conf`; returns its run id."""

    def started(self, dag_id: str) -> str:
        """The run of a flow that an event has started, once there is one; returns its run id."""

    def state(self, dag_id: str, run_id: str) -> str:
        """The run's state; final once it is one of `ENDED`."""

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The run's tasks: `task_id`, `state`, `start_date`, `end_date` (ISO 8601), `try_number`."""

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[str]:
        """The lines of one attempt's log."""

    def raised(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> Raised | None:
        """The error that ended the attempt; None where none is known, for example after its process was killed."""

    def log_place(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """Where the attempt's log is: a file or folder."""
