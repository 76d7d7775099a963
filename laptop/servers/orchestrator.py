"""What `make run` asks of whoever runs the flows: start one, say how it stands, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

# What no longer changes, in Airflow's words.
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed"})


class Orchestrator(Protocol):
    """Airflow, or Step Functions, with states and tasks in Airflow's words."""

    name: str
    address: str

    def check(self) -> None:
        """Raises ServerError if what it runs on has died."""

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Starts a run with `conf`; returns its run id."""

    def state(self, dag_id: str, run_id: str) -> str:
        """The run's state; it changes no more once it is one of `ENDED`."""

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """What has become of each task: `task_id`, `state`, `start_date`, `end_date` (ISO 8601), `try_number`."""

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[str]:
        """The lines of one attempt's log."""
