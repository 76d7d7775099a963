"""The operators add nothing to the requests of `complaints.runs.requests`."""

from __future__ import annotations

from typing import Any

from complaints.models.tuning import untuned
from complaints.runs import requests
from tests.complaints.example_requests import CLASSIFICATION, MONITORING, SETTINGS, TRAINED, TRAINING


def test_the_operators_send_what_the_functions_return(dags: dict[str, Any]) -> None:
    """The config of each operator has the keys of the function's request: nothing is added in the DAG file."""
    chosen = untuned(TRAINING["hyperparameters"])
    sent = {
        ("complaints_training", "train_model"): requests.training_job(TRAINING, chosen, SETTINGS),
        ("complaints_training", "tune_model"): requests.tuning_job(TRAINING, SETTINGS),
        ("complaints_training", "evaluate_model"): requests.evaluation_job(TRAINING, TRAINED, SETTINGS),
        ("complaints_training", "refit_model"): requests.refit_job(TRAINING, chosen, SETTINGS),
        ("complaints_classification", "classify_complaints"): requests.transform_job(CLASSIFICATION, SETTINGS),
        ("complaints_monitoring", "assess_classification"): requests.monitoring_job(MONITORING, SETTINGS),
    }
    for (dag_id, task_id), request in sent.items():
        assert set(dags[dag_id].get_task(task_id).config) == set(request), task_id
    prepared = dags["complaints_training"].get_task("prepare_history")
    assert set(prepared.script_args) == set(requests.prepare_history_arguments(TRAINING))
