"""The operators add nothing to the requests of `complaints.runs.requests`."""

from __future__ import annotations

from typing import Any

from tests.complaints.example_requests import REQUESTS


def test_the_operators_send_what_the_functions_return(dags: dict[str, Any]) -> None:
    """The config of each operator has the keys of the function's request: nothing is added in the DAG file."""
    training, classification = dags["complaints_training"], dags["complaints_classification"]
    assert set(training.get_task("train_model").config) == set(REQUESTS[3][2])
    assert set(training.get_task("tune_model").config) == set(REQUESTS[-1][2])
    assert set(training.get_task("evaluate_model").config) == set(REQUESTS[4][2])
    assert set(training.get_task("refit_model").config) == set(REQUESTS[5][2])
    assert set(classification.get_task("classify_complaints").config) == set(REQUESTS[6][2])
    monitored = dags["complaints_monitoring"].get_task("assess_classification")
    assert set(monitored.config) == set(REQUESTS[-2][2])
    assert set(training.get_task("prepare_history").script_args) == set(REQUESTS[0][2]["Arguments"])
