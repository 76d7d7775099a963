"""The hyperparameters that a training run uses: the plan's own, or those of a tuning job's best training job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NotRequired, TypedDict

from pydantic import ValidationError

from complaints.errors import FinalError
from complaints.settings import Hyperparameters


class TuningError(FinalError, ValueError):
    """A tuning job found no hyperparameters to train with: no model is trained, and the one in service stays."""


class Chosen(TypedDict):
    """The hyperparameters of a run in script mode's words, and the jobs that they come from, if it was tuned.

    Nothing in it is None: Airflow 3.0 cannot write a task's output that is.
    """

    hyperparameters: dict[str, str]
    tuning_job_name: NotRequired[str]
    best_training_job_name: NotRequired[str]
    objective: NotRequired[float]


def untuned(planned: Mapping[str, str]) -> Chosen:
    """The plan's own hyperparameters."""
    return {"hyperparameters": dict(planned)}


def tuned(planned: Mapping[str, str], job: Mapping[str, Any]) -> Chosen:
    """The plan's hyperparameters with those of the best training job in their place.

    `job`: a completed tuning job, as AWS describes it.

    Raises:
        TuningError: no training job has an objective that is a number, or its hyperparameters are not allowed.
    """
    name, best = job["HyperParameterTuningJobName"], job.get("BestTrainingJob") or {}
    metric = best.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    objective = float(metric.get("Value", "nan"))
    if not isfinite(objective):
        counted = ", ".join(f"{count} {status}" for status, count in job.get("ObjectiveStatusCounters", {}).items())
        raise TuningError(
            f"the tuning job {name} has no training job with a finite objective ({counted or 'none was started'}): "
            "no model is trained, and the one in service stays"
        )
    hyperparameters = {**planned, **best["TunedHyperParameters"]}
    _check(name, hyperparameters)
    return {
        "hyperparameters": hyperparameters,
        "tuning_job_name": name,
        "best_training_job_name": best["TrainingJobName"],
        "objective": objective,
    }


def _check(job: str, hyperparameters: Mapping[str, str]) -> None:
    known = {name: json.loads(hyperparameters[name]) for name in Hyperparameters.model_fields}
    try:
        Hyperparameters.model_validate(known)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise TuningError(f"the tuning job {job} found {wrong['loc'][0]} {wrong['input']!r}: {wrong['msg']}") from None
