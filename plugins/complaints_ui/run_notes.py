"""The notes that the tasks of a run left, written to Airflow's database.

This runs within a transaction of Airflow's scheduler: it reads the database and nothing else, and commits nothing.
"""

from __future__ import annotations

import json
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import select
from sqlalchemy.orm import object_session

_NOTE, _OTHER_NOTE = "note", "note_of_classification"
# What Airflow's column holds.
_LONGEST = 1_000


def note(dag_run: Any, *, failed: bool) -> None:
    """Writes the note of a run that has ended; and of the classification that a monitoring looked at."""
    session = object_session(dag_run)
    if session is None:
        return
    with session.no_autoflush:
        said = _said(dag_run, session)
        parts = [_failure(dag_run, session)] if failed else []
        _write(dag_run, ". ".join(filter(None, [*parts, said.get(_NOTE, "")])))
        if text := said.get(_OTHER_NOTE):
            for classification in _started_by(dag_run, session):
                _write(classification, text)


def _said(dag_run: Any, session: Any) -> dict[str, str]:
    """The notes that the run's tasks left, by key; of several the last."""
    is_it = (XComModel.dag_id == dag_run.dag_id, XComModel.run_id == dag_run.run_id)
    wanted = (
        select(XComModel.key, XComModel.value)
        .where(*is_it, XComModel.key.in_([_NOTE, _OTHER_NOTE]))
        .order_by(XComModel.timestamp)
    )
    return {key: _text(value) for key, value in session.execute(wanted)}


def _text(value: Any) -> str:
    """The text of an XCom, whose column holds JSON or, in some versions, JSON in a string."""
    return str(json.loads(value)) if isinstance(value, str) and value.startswith('"') else str(value)


def _failure(dag_run: Any, session: Any) -> str:
    of_run = (TaskInstance.dag_id == dag_run.dag_id, TaskInstance.run_id == dag_run.run_id)
    failed = select(TaskInstance.task_id).where(*of_run, TaskInstance.state == "failed").order_by(TaskInstance.end_date)
    names = list(dict.fromkeys(session.scalars(failed)))
    return f"Failed at {', '.join(names)}" if names else "Failed"


def _started_by(dag_run: Any, session: Any) -> list[Any]:
    """The runs whose publications started this one."""
    sources = {(event.source_dag_id, event.source_run_id) for event in dag_run.consumed_asset_events}
    runs = (
        session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        for dag_id, run_id in sorted(each for each in sources if all(each))
    )
    # Several publications may have started it, of which it looked at the newest.
    found = [run for run in runs if run is not None]
    return found if len(found) == 1 else []


def _write(dag_run: Any, text: str) -> None:
    """Sets the note, unless it is a person's."""
    before = dag_run.dag_run_note
    if text and (before is None or before.user_id is None):
        dag_run.note = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
