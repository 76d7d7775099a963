"""The month of a backfill is the one that a run was given, or that of its data interval."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.sdk import DAG, Param
from airflow.timetables.base import TimeRestriction
from operators.params import MonthParam


@pytest.mark.parametrize(
    ("given", "start", "month"),
    [
        ("2025-07", pendulum.datetime(2026, 1, 1), "2025-07"),
        ("", pendulum.datetime(2026, 1, 1), "2026-01"),
        (None, pendulum.datetime(2026, 1, 1), "2026-01"),
        ("", None, ""),
    ],
)
def test_the_month_that_is_given_comes_before_that_of_the_data_interval(
    given: str | None, start: Any, month: str
) -> None:
    with DAG(dag_id="weather", schedule=None, params={"from": Param("", type=["string", "null"])}) as dag:
        param = MonthParam(dag, "from")
    params = {"from": given}
    context = {"dag_run": SimpleNamespace(conf=params), "params": params, "data_interval_start": start}
    assert param.resolve(context) == month


def test_airflows_backfill_makes_one_run_for_each_month(dags: dict[str, Any]) -> None:
    timetable = dags["complaints_backfill"].timetable
    between = TimeRestriction(pendulum.datetime(2026, 1, 1), pendulum.datetime(2026, 3, 31), catchup=True)
    starts, last = [], None
    while (info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=between)) is not None:
        last = info.data_interval
        starts.append(f"{last.start:%Y-%m}")
    assert starts == ["2026-01", "2026-02", "2026-03"]
    assert dags["complaints_backfill"].is_paused_upon_creation
    assert dags["complaints_backfill"].params.get_param("dry_run").resolve() is True
