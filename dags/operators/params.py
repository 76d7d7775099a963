"""References to DAG params that read the same in every serialized DAG."""

from __future__ import annotations

from typing import Any

from airflow.sdk.definitions.param import DagParam


class RunParam(DagParam):
    """`dag.param(name)`, with a text of its own: the value of a param in this run.

    Airflow before 3.3 serializes what a @task gets by its repr, which of `dag.param` holds a memory address: each parse
    would make a new version of the DAG.
    """

    def __repr__(self) -> str:
        return f"{{{{ params.{self._name} }}}}"


class MonthParam(RunParam):
    """A DAG parameter that is the month of the run's data interval, such as 2026-03, where the run was given none."""

    def resolve(self, context: Any) -> Any:
        """The parameter, or the month in which the data interval begins."""
        given, start = super().resolve(context), context.get("data_interval_start")
        return given or (f"{start:%Y-%m}" if start else given)
