"""Times of orchestrators are compared only if their results are equal."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

import bench.tables
from bench.orchestrator_comparison import DifferentResultsError, check_same, report

PREDICTION = {"complaint_id": "1", "predicted_product": "card", "confidence": 0.5, "runner_up": None, "run_id": "a"}


def run(jobs: float, wall: float, *, rows: int = 10, run_id: str = "a", extra_step: str = "") -> dict[str, Any]:
    steps = [
        {"task_id": "plan", "seconds": 1.0, "job_seconds": None},
        {"task_id": "prepare", "seconds": jobs + 2, "job_seconds": jobs},
    ]
    if extra_step:
        steps.append({"task_id": extra_step, "seconds": 0.5, "job_seconds": None})
    return {
        "release": "r",
        "training": {"rows_in": rows},
        "model": {"version": "v1"},
        "classification": {"rows_in": rows, "run_id": run_id},
        "flows": [{"dag_id": "flow", "state": "success", "seconds": wall, "steps": steps}],
        "seconds": {"start_up": 1.0, "work": jobs, "orchestration": wall - jobs, "total": wall + 1},
    }


def figures(rounds: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The figures of both tables by their label."""
    lines = [line.split("  ") for line in report(rounds).splitlines()]
    return {line[0]: [cell.strip() for cell in line[1:] if cell.strip()] for line in lines}


def test_wall_time_is_the_sum_of_job_time_and_orchestration() -> None:
    found = figures([{"airflow": run(10, 30), "stepfunctions": run(10, 15)}])
    assert found["flow: wall"] == ["30.0", "15.0", "2.00"]
    assert found["flow: jobs"] == ["10.0", "10.0", "1.00"]
    assert found["flow: orchestration"] == ["20.0", "5.0", "4.00"]
    assert found["the whole run: start-up"] == ["1.0", "1.0", "1.00"]


def test_the_figure_of_several_rounds_is_the_median() -> None:
    rounds = [{"airflow": run(10, wall), "stepfunctions": run(10, 20)} for wall in (90, 40, 30)]
    assert figures(rounds)["flow: wall"] == ["40.0", "20.0", "2.00"]


def test_a_step_of_one_orchestrator_only_has_no_ratio() -> None:
    found = figures([{"airflow": run(10, 30, extra_step="await"), "stepfunctions": run(8, 15)}])
    assert found["flow: await"] == ["0.5", "-", "-", "-", "-"]
    assert found["flow: prepare"] == ["12.0", "10.0", "10.0", "8.0", "1.20"]
    assert found["flow: plan"] == ["1.0", "-", "1.0", "-", "1.00"]


def failed() -> dict[str, Any]:
    document = run(1, 2)
    document["flows"][0]["state"] = "failed"
    return document


@pytest.mark.parametrize(
    ("other", "predictions", "why"),
    [
        (run(1, 2, rows=9), [PREDICTION], "differ in 'training'"),
        (failed(), [PREDICTION], "'failed'"),
        (run(1, 2), [PREDICTION | {"complaint_id": "2"}], "different predictions, in 1 and 1 rows"),
        (run(1, 2), [PREDICTION | {"confidence": 0.5000000000000001}], "different predictions"),
        (run(1, 2), [PREDICTION, PREDICTION], "in 1 and 2 rows"),
        (run(1, 2), [], "in 1 and 0 rows"),
    ],
)
def test_different_results_are_not_compared(other: dict[str, Any], predictions: list[Any], why: str) -> None:
    published = {"airflow": [PREDICTION], "stepfunctions": predictions}
    with pytest.raises(DifferentResultsError, match=why):
        check_same({"airflow": run(1, 2), "stepfunctions": other}, published)


def test_two_runs_that_published_nothing_are_not_compared() -> None:
    with pytest.raises(DifferentResultsError, match="published nothing"):
        check_same({"airflow": run(1, 2), "stepfunctions": run(1, 2)}, {"airflow": [], "stepfunctions": []})


def test_run_ids_and_the_order_of_rows_may_differ() -> None:
    rows = [PREDICTION, PREDICTION | {"complaint_id": "2", "runner_up": "mortgage"}]
    turned = [row | {"run_id": "b"} for row in reversed(rows)]
    runs = {"airflow": run(1, 2), "stepfunctions": run(3, 4, run_id="b")}
    check_same(runs, {"airflow": rows, "stepfunctions": turned})


def test_there_is_no_ratio_to_zero() -> None:
    assert bench.tables.ratio(1, 0) == "-"


def test_the_doctests_of_tables_pass() -> None:
    outcome = doctest.testmod(bench.tables)
    assert outcome.attempted >= 3
    assert outcome.failed == 0
