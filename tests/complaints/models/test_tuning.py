"""The hyperparameters of a run: the plan's own, or the best training job's of its tuning job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from complaints.models.tuning import TuningError, tuned, untuned
from complaints.runs import requests
from complaints.settings import load_settings
from tests.campaign.faults import Fault, injects
from tests.complaints.example_requests import TRAINING

SETTINGS = load_settings()
PLANNED = TRAINING["hyperparameters"]


def job(value: Any = 0.81, **parameters: str) -> dict[str, Any]:
    """A tuning job whose best training job had these hyperparameters."""
    metric = {"MetricName": "validation:macro_f1", "Value": value}
    return {
        "HyperParameterTuningJobName": "complaints-0-0",
        "ObjectiveStatusCounters": {"Succeeded": 0, "Pending": 0, "Failed": 12},
        "BestTrainingJob": {
            "TrainingJobName": "complaints-0-0-007-abcdef12",
            "TunedHyperParameters": parameters,
            "FinalHyperParameterTuningJobObjectiveMetric": metric,
        },
    }


def test_without_tuning_the_plans_own_hyperparameters_are_used() -> None:
    chosen = untuned(PLANNED)
    assert chosen["hyperparameters"] == PLANNED
    assert [*chosen] == ["hyperparameters"]


def test_the_best_values_take_the_place_of_the_plans_own_and_the_jobs_are_named() -> None:
    chosen = tuned(PLANNED, job(C="0.37", ngram_max="1"))
    changed = {name for name, value in chosen["hyperparameters"].items() if PLANNED[name] != value}
    assert changed == {"C", "ngram_max"}
    assert json.loads(chosen["hyperparameters"]["C"]) == 0.37
    # The share that its training jobs left out is no hyperparameter of the model.
    assert "validation_fraction" not in chosen["hyperparameters"]
    assert (chosen["tuning_job_name"], chosen["best_training_job_name"], chosen["objective"]) == (
        "complaints-0-0",
        "complaints-0-0-007-abcdef12",
        0.81,
    )


def test_the_training_and_the_refit_use_the_best_values() -> None:
    chosen = tuned(PLANNED, job(C="0.37"))
    for request in (requests.training_job(TRAINING, chosen, SETTINGS), requests.refit_job(TRAINING, chosen, SETTINGS)):
        assert request["HyperParameters"] == PLANNED | {"C": "0.37"}


@injects(Fault.TUNING_IN_VAIN)
@pytest.mark.parametrize("found", [job(float("nan")), job(float("inf")), {**job(), "BestTrainingJob": {}}, {}])
def test_without_a_finite_objective_nothing_is_trained(found: dict[str, Any]) -> None:
    described = {"HyperParameterTuningJobName": "complaints-0-0", **found}
    with pytest.raises(TuningError, match="complaints-0-0 has no training job with a finite objective"):
        tuned(PLANNED, described)


def test_a_value_that_is_not_allowed_is_named() -> None:
    with pytest.raises(TuningError, match="complaints-0-0 found ngram_max 9: "):
        tuned(PLANNED, job(ngram_max="9"))


def test_every_hyperparameter_is_either_tuned_or_static() -> None:
    request = requests.tuning_job(TRAINING, SETTINGS)
    ranges = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
    tuned_names = [each["Name"] for kind in ranges.values() for each in kind]
    static = request["TrainingJobDefinition"]["StaticHyperParameters"]
    assert {*tuned_names, *static} == {*PLANNED, "validation_fraction"}
    assert len(tuned_names) + len(static) == len(PLANNED) + 1


def test_numbers_are_passed_as_text_by_the_kind_of_the_hyperparameter() -> None:
    ranges = requests.tuning_job(TRAINING, SETTINGS)["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert ranges["CategoricalParameterRanges"] == [{"Name": "ngram_max", "Values": ["1", "2"]}]
    (c, _) = ranges["ContinuousParameterRanges"]
    assert c == {"Name": "C", "MinValue": "0.02", "MaxValue": "2.0", "ScalingType": "Logarithmic"}
