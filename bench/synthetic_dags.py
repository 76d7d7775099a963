"""Synthetic DAGs in four shapes and any size, on which the growth of compile time is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

_WIDTH = 10


def _dag(dag_id: str) -> Any:
    return DAG(dag_id=dag_id, schedule=None, default_args={"execution_timeout": timedelta(minutes=1)})


def series(size: int) -> Any:
    """A DAG of `size` tasks in series."""
    with _dag(f"series_{size}") as dag:
        tasks = [EmptyOperator(task_id=f"t{number:04}") for number in range(size)]
        for before, after in pairwise(tasks):
            before >> after
    return dag


def groups(size: int) -> Any:
    """A DAG of about `size` tasks: ten in parallel, one that joins them, and so on."""
    with _dag(f"groups_{size}") as dag:
        gathered = EmptyOperator(task_id="start")
        for number in range(max(1, round((size - 1) / (_WIDTH + 1)))):
            side = [EmptyOperator(task_id=f"t{number:04}_{place}") for place in range(_WIDTH)]
            following = EmptyOperator(task_id=f"gathered{number:04}")
            gathered >> side >> following
            gathered = following
    return dag


def side_by_side(size: int) -> Any:
    """A DAG of `size` tasks, all but the first and the last in parallel."""
    with _dag(f"side_by_side_{size}") as dag:
        first, last = EmptyOperator(task_id="first"), EmptyOperator(task_id="last")
        first >> [EmptyOperator(task_id=f"t{number:04}") for number in range(size - 2)] >> last
    return dag


def nested(size: int) -> Any:
    """A DAG of about `size` tasks: a task in parallel to a group of the same shape, and so on."""
    with _dag(f"nested_{size}") as dag:
        inner: Any = EmptyOperator(task_id="innermost")
        start = end = inner
        for number in range(max(1, (size - 1) // 3)):
            first, last = EmptyOperator(task_id=f"first{number:04}"), EmptyOperator(task_id=f"last{number:04}")
            first >> EmptyOperator(task_id=f"beside{number:04}") >> last
            first >> start
            end >> last
            start, end = first, last
    return dag


# The largest sizes compile in up to about two seconds; nested groups take the longest per task.
SHAPES: Mapping[str, tuple[Callable[[int], Any], tuple[int, ...]]] = {
    "in series": (series, (10, 100, 400)),
    "in groups of 10": (groups, (12, 100, 397)),
    "in parallel": (side_by_side, (10, 100, 400)),
    "in nested groups": (nested, (10, 49, 100)),
}
