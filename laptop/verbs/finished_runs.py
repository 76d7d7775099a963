"""The runs that end while `make up` is running: one message each, with the results or the failure, and the report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from laptop.servers.airflow import Airflow
from laptop.servers.processes import ServerError
from laptop.servers.stack import CLASSIFICATION, TRAINING
from laptop.verbs.run_reports import RunReports

_PAUSE_SECONDS = 3.0


class FinishedRuns:
    """Asks Airflow for ended runs, every few seconds at most, and has a report made of each."""

    def __init__(self, airflow: Airflow, reports: RunReports) -> None:
        self._airflow = airflow
        self._reports = reports
        self._since = datetime.now(UTC).isoformat()
        self._reported: set[tuple[str, str, str]] = set()
        self._last_request = 0.0

    def news(self) -> Iterator[str]:
        """A message for each run that ended since the last call."""
        if time.monotonic() - self._last_request < _PAUSE_SECONDS:
            return
        self._last_request = time.monotonic()
        try:
            ended = self._airflow.ended_runs(self._since)
        except (OSError, ServerError):
            return  # busy, or stopping: the next call asks again
        for run in ended:
            # A run that is cleared ends a second time.
            key = (run["dag_id"], run["dag_run_id"], run["end_date"])
            # Each check for arrivals is a run, too, and would bury the others.
            if key not in self._reported and run["dag_id"] in (CLASSIFICATION, TRAINING):
                self._reported.add(key)
                yield f"{run['dag_id']}  {self._message(run)}"

    def _message(self, run: dict[str, Any]) -> str:
        source = str((run.get("conf") or {}).get("source", ""))
        of = f"{source} → " if source else "→ "
        how = f"({run['state']}, {_seconds(run):.0f} s)"
        if run["state"] != "success":
            page = f"{self._airflow.address}/dags/{run['dag_id']}/runs/{quote(run['dag_run_id'])}"
            return f"{of}nothing published  {how}: {self._failure(run)}; see {page}"
        try:
            return f"{of}{self._reports.make(run)}  {how}"
        except (OSError, RuntimeError, ValueError, LookupError, ClientError, BotoCoreError) as error:
            return f"{of}done  {how}; its results cannot be read: {error}"

    def _failure(self, run: dict[str, Any]) -> str:
        try:
            return self._reports.make_failed(run)
        except (OSError, ServerError, ClientError, BotoCoreError) as error:
            return f"the reason cannot be read: {error}"


def _seconds(run: dict[str, Any]) -> float:
    if not run["start_date"]:
        return 0.0
    start, end = (datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    return (end - start).total_seconds()
