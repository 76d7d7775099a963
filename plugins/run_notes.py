"""An Airflow plugin: the outcome of a run of ours becomes its note, which Airflow's UI shows in its lists of runs.

The task that knows the outcome leaves it as its XCom `note`. Airflow calls this in its scheduler when a run has ended.
Airflow loads plugins in each of its processes, so the code behind it is imported when it is needed first.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)

_OURS = "complaints_"


class RunNotes:
    """The listener. An error of it is logged, and the run ends as it would without it."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any) -> None:
        """Notes what the run has done."""
        _safely(dag_run, failed=False)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any) -> None:
        """Notes at which task the run failed, and what it had done before."""
        _safely(dag_run, failed=True)


def _safely(dag_run: Any, *, failed: bool) -> None:
    if not dag_run.dag_id.startswith(_OURS):
        return
    try:
        importlib.import_module("complaints_ui.run_notes").note(dag_run, failed=failed)
    except Exception:
        log.exception("The run %s of %s gets no note", dag_run.run_id, dag_run.dag_id)


class RunNotesPlugin(AirflowPlugin):
    """The plugin that Airflow loads."""

    name = "complaints_run_notes"
    listeners = [RunNotes()]  # noqa: RUF012
