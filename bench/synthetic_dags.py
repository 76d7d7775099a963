"""What DAGs the growth of compile time is measured on: synthetic ones, of as many tasks as wanted, in four shapes."""

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
    """A DAG of `size` tasks, one after the other."""
    with _dag(f"series_{size}") as dag:
        tasks = [EmptyOperator(task_id=f"t{number:04}") for number in range(size)]
        for before, after in pairwise(tasks):
            before >> after
    return dag


def groups(size: int) -> Any:
    """A DAG of about `size` tasks: ten side by side, one that gathers them, and so on."""
    with _dag(f"groups_{size}") as dag:
        gathered = EmptyOperator(task_id="start")
        for number in range(max(1, round((size - 1) / (_WIDTH + 1)))):
            side = [EmptyOperator(task_id=f"t{number:04}_{place}") for place in range(_WIDTH)]
            following = EmptyOperator(task_id=f"gathered{number:04}")
            gathered >> side >> following
            gathered = following
    return dag


def side_by_side(size: int) -> Any:
    """A DAG of `size` tasks: all but the first and the last side by side."""
    with _dag(f"side_by_side_{size}") as dag:
        first, last = EmptyOperator(task_id="first"), EmptyOperator(task_id="last")
        first >> [EmptyOperator(task_id=f"t{number:04}") for number in range(size - 2)] >> last
    return dag


def nested(size: int) -> Any:
    """A DAG of about `size` tasks: two side by side, of which one is such a DAG itself, and so on."""
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


# The sizes grow until a compilation takes about a second: groups in groups are the hardest.
SHAPES: Mapping[str, tuple[Callable[[int], Any], tuple[int, ...]]] = {
    "in series": (series, (10, 100, 400)),
    "in groups of 10": (groups, (12, 100, 397)),
    "side by side": (side_by_side, (10, 100, 400)),
    "groups in groups": (nested, (10, 49, 100)),
}
