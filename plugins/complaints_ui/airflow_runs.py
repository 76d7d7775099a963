"""Runs in Airflow's own database: their steps, and the names that their tasks gave.

Airflow's API server has this database open; the columns read here are the same in 3.0 to 3.3.
"""

from __future__ import annotations

import re
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select, tuple_

from complaints.pages.airflow_run import AirflowRun, Step
from complaints.pages.runs import Origin

# The tasks that return the run id of a plan, and the one that returns a version.
_PLANS = ("plan_classification", "plan_monitoring")
_REGISTERS = "register_model"
_RUN_ID, _VERSION = "[0-9a-f]{16}", "v[1-9][0-9]*"
# Where the name of a run is: DAG, task and key.
_NAMED = (
    ("complaints_classification", "plan_classification", "run_id"),
    ("complaints_training", _REGISTERS, "return_value"),
)
_MOST_RUNS = 1_000


def run_of(dag_id: str, dag_run_id: str) -> AirflowRun | None:
    """A run of Airflow; None if there is no such run."""
    with create_session() as session:
        is_it = (DagRun.dag_id == dag_id, DagRun.run_id == dag_run_id)
        state = session.scalar(select(DagRun.state).where(*is_it))
        if state is None:
            return None
        columns = (TaskInstance.task_id, TaskInstance.state, TaskInstance.duration, TaskInstance.try_number)
        of_run = (TaskInstance.dag_id == dag_id, TaskInstance.run_id == dag_run_id)
        # Tasks that never started come last.
        order = (TaskInstance.start_date.is_(None), TaskInstance.start_date, TaskInstance.task_id)
        steps = [
            Step(task_id, str(state or ""), duration, tries or 0)
            for task_id, state, duration, tries in session.execute(select(*columns).where(*of_run).order_by(*order))
        ]
        given = (
            select(XComModel.task_id, XComModel.key, XComModel.value)
            .where(XComModel.dag_id == dag_id, XComModel.run_id == dag_run_id)
            .where(XComModel.task_id.in_([*_PLANS, _REGISTERS]), XComModel.key.in_(["run_id", "return_value"]))
        )
        names = {(task_id, key): value for task_id, key, value in session.execute(given)}
    run_id = next((found for task in _PLANS if (found := _named(_RUN_ID, names.get((task, "run_id"))))), "")
    version = _named(_VERSION, names.get((_REGISTERS, "return_value")))
    return AirflowRun(dag_id, dag_run_id, str(state), steps, run_id, version)


def origins() -> dict[str, Origin]:
    """The newest runs that this Airflow started, by the run id of their plan, or by the version that they made."""
    with create_session() as session:
        named = (
            select(XComModel.value, DagRun.dag_id, DagRun.run_id, DagRun.start_date, DagRun.end_date)
            .join(DagRun, DagRun.id == XComModel.dag_run_id)
            .where(tuple_(XComModel.dag_id, XComModel.task_id, XComModel.key).in_(_NAMED))
            .order_by(XComModel.timestamp.desc())
            .limit(_MOST_RUNS)
        )
        found = [
            (
                _named(rf"{_RUN_ID}|{_VERSION}", value),
                Origin(dag_id, run_id, (end - start).total_seconds() if start and end else None),
            )
            for value, dag_id, run_id, start, end in session.execute(named)
        ]
    return {name: origin for name, origin in reversed(found) if name}


def _named(pattern: str, value: Any) -> str:
    """The name in an XCom, which its column holds as JSON, or as JSON in a string; empty if it is something else."""
    found = re.fullmatch(rf"[\"\\]*({pattern})[\"\\]*", str(value)) if value is not None else None
    return found[1] if found else ""
