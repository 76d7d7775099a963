"""The bench of orchestration compares times only where the results are the same, and adds them up right."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

import bench.tables
from bench.orchestration import DifferentResultsError, check_same, ratio, report


def run(jobs: float, wall: float, rows: int = 10) -> dict[str, Any]:
    steps = [{"task_id": "plan", "job_seconds": None}, {"task_id": "prepare", "job_seconds": jobs}]
    return {
        "release": "r",
        "training": {"rows_in": rows},
        "model": {"version": "v1"},
        "classification": {"rows_in": rows},
        "flows": [{"dag_id": "flow", "seconds": wall, "steps": steps}],
        "seconds": {"start_up": 1.0, "work": jobs, "orchestration": wall - jobs, "total": wall + 1},
    }


def test_wall_time_is_job_time_and_orchestration() -> None:
    lines = report({"airflow": run(10, 30), "stepfunctions": run(10, 15)}).splitlines()
    figures = {line.rsplit(maxsplit=3)[0].strip(): line.rsplit(maxsplit=3)[1:] for line in lines[1:]}
    assert figures["flow: wall"] == ["30.0", "15.0", "2.00"]
    assert figures["flow: jobs"] == ["10.0", "10.0", "1.00"]
    assert figures["flow: orchestration"] == ["20.0", "5.0", "4.00"]


@pytest.mark.parametrize(
    ("other", "predictions"), [(run(1, 2, rows=9), [{"complaint_id": "1"}]), (run(1, 2), [{"complaint_id": "2"}])]
)
def test_different_results_are_not_compared(other: dict[str, Any], predictions: list[dict[str, Any]]) -> None:
    told = {"airflow": [{"complaint_id": "1"}], "stepfunctions": predictions}
    with pytest.raises(DifferentResultsError, match="airflow and stepfunctions"):
        check_same({"airflow": run(1, 2), "stepfunctions": other}, told)


def test_no_time_has_no_ratio() -> None:
    assert ratio(1, 0) == "-"


def test_the_table_is_as_its_example_says() -> None:
    assert doctest.testmod(bench.tables).failed == 0
