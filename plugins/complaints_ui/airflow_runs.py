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
from sqlalchemy import select

from complaints.pages.airflow_run import AirflowRun, Step

# The tasks that return the run id of a plan, and the one that returns a version.
_PLANS = ("plan_classification", "plan_monitoring")
_REGISTERS = "register_model"
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
    run_id = next((found for task in _PLANS if (found := _named(r"[0-9a-f]{16}", names.get((task, "run_id"))))), "")
    version = _named(r"v[1-9][0-9]*", names.get((_REGISTERS, "return_value")))
    return AirflowRun(dag_id, dag_run_id, str(state), steps, run_id, version)


def origins(dag_id: str) -> dict[str, str]:
    """The newest runs of a DAG that were planned: Airflow's id of the run by that of its plan."""
    with create_session() as session:
        planned = (
            select(XComModel.run_id, XComModel.value)
            .where(XComModel.dag_id == dag_id, XComModel.task_id.in_(_PLANS), XComModel.key == "run_id")
            .order_by(XComModel.timestamp.desc())
            .limit(_MOST_RUNS)
        )
        found = [(_named(r"[0-9a-f]{16}", value), dag_run_id) for dag_run_id, value in session.execute(planned)]
    return {run_id: dag_run_id for run_id, dag_run_id in reversed(found) if run_id}


def _named(pattern: str, value: Any) -> str:
    """The name in an XCom, which its column holds as JSON, or as JSON in a string; empty if it is something else."""
    found = re.fullmatch(rf"[\"\\]*({pattern})[\"\\]*", str(value)) if value is not None else None
    return found[1] if found else ""
