"""The plan of a training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from complaints.aws.job_kinds import PROCESSING, TRAINING, TUNING
from complaints.aws.objects import ObjectVersion
from complaints.runs.plans.common import (
    Plan,
    checked_name,
    code_folder,
    common_plan,
    held_out_rows,
    rows_to_train_on,
    run_folder,
)
from complaints.settings import Settings

NONE = "none"  # what a plan says of the model in service where there is none


class InService(TypedDict):
    """The part of a training plan about the model in service, which the new one is compared with."""

    in_service_version: str
    in_service_sha256: str
    in_service_run_id: str
    in_service_model_uri: str
    in_service_code_uri: str
    in_service_train_uri: str


class TuningPlan(TypedDict):
    """The part of a training plan about its tuning job, which is started only with `tune`."""

    tune: bool
    static_hyperparameters: dict[str, str]
    tuning_job_name: str
    tuning_uri: str


class HistoryPlan(TypedDict):
    """The part of a training plan about its rows: which are held out, and how issues are named."""

    issue_rules: str
    newest_fraction: str
    test_fraction: str


class TrainingPlan(Plan, InService, TuningPlan, HistoryPlan):
    """The plan of one training run."""

    prepare_history_script_uri: str
    rows_uri: str
    train_uri: str
    held_out_uri: str
    hyperparameters: dict[str, str]
    training_job_name: str
    training_uri: str
    evaluation_job_name: str
    evaluation_uri: str
    evaluation_code_uri: str
    inference_code_uri: str
    inference_archive_uri: str
    refit_job_name: str
    refit_uri: str


class TrainedModel(TypedDict):
    """A model that a training run left, known by its digest from then on."""

    training_job_name: str
    model_uri: str
    sha256: str


def training_plan(
    inputs: list[ObjectVersion],
    *,
    source: str,
    release: str,
    settings: Settings,
    in_service: Mapping[str, Any] | None = None,
    in_service_run_is_kept: bool = False,
    tune: bool = False,
) -> TrainingPlan:
    """The plan to train on `inputs`, and to compare the model with the one in service, given by its record.

    `in_service_run_is_kept`: the rows that the model in service was trained on are still there.
    `tune`: a tuning job looks for hyperparameters first.

    Raises:
        PlanError: a name is too long for AWS.
    """
    against = (in_service["version"], in_service["sha256"]) if in_service else ()
    tuning = (settings.model.tuning.model_dump_json(),) if tune else ()
    gate = settings.model.gate.model_dump_json()
    common = common_plan("training", inputs, source, release, settings, *against, gate, *tuning)
    run, code = run_folder(settings, common["run_id"]), code_folder(settings, release)
    return {
        **common,
        "prepare_history_script_uri": f"{code}/glue/prepare_history.py",
        "rows_uri": f"{run}/rows/",
        "train_uri": rows_to_train_on(run),
        "held_out_uri": held_out_rows(run),
        **_history(settings),
        "hyperparameters": _hyperparameters(settings, f"{code}/training.tar.gz"),
        "training_job_name": checked_name(
            "training_job_name", f"complaints-train-{common['run_id']}", TRAINING.longest_planned_name
        ),
        "training_uri": f"{run}/training/",
        "evaluation_job_name": checked_name(
            "evaluation_job_name", f"complaints-evaluate-{common['run_id']}", PROCESSING.longest_planned_name
        ),
        "evaluation_uri": f"{run}/evaluation/",
        "evaluation_code_uri": f"{code}/monitoring/",
        "inference_code_uri": f"{code}/inference/",
        "inference_archive_uri": f"{code}/inference.tar.gz",
        "refit_job_name": checked_name(
            "refit_job_name", f"complaints-refit-{common['run_id']}", TRAINING.longest_planned_name
        ),
        "refit_uri": f"{run}/refit/",
        **_tuning(common["run_id"], tune, f"{code}/training.tar.gz", settings),
        **_in_service(in_service, f"{code}/inference/", in_service_run_is_kept, settings),
    }


def _history(settings: Settings) -> HistoryPlan:
    return {
        "issue_rules": settings.model.issues.of_history(),
        "newest_fraction": str(settings.model.split.newest_fraction),
        "test_fraction": str(settings.model.split.test_fraction),
    }


def _tuning(run: str, tune: bool, code_uri: str, settings: Settings) -> TuningPlan:
    return {
        "tune": tune,
        "static_hyperparameters": _static_hyperparameters(settings, code_uri),
        # A tuning job's name may have 29 characters: no room for "tune".
        "tuning_job_name": checked_name("tuning_job_name", f"complaints-{run}", TUNING.longest_planned_name),
        "tuning_uri": f"{run_folder(settings, run)}/tuning/",
    }


def _in_service(record: Mapping[str, Any] | None, placeholder: str, run_is_kept: bool, settings: Settings) -> InService:
    """The model that a new one is compared with: the fit of the version in service that was evaluated.

    One that was refitted since then has seen the complaints that its successors are compared on. SageMaker accepts no
    input that does not exist: in the place of one stands the folder `placeholder`, and an argument says so.
    """
    if record is None:
        return {
            "in_service_version": NONE,
            "in_service_sha256": NONE,
            "in_service_run_id": NONE,
            "in_service_model_uri": placeholder,
            "in_service_code_uri": placeholder,
            "in_service_train_uri": placeholder,
        }
    is_refitted = bool(record.get("refitted"))
    return {
        "in_service_version": record["version"],
        "in_service_sha256": record["evaluated_sha256" if is_refitted else "sha256"],
        "in_service_run_id": record["run_id"] if run_is_kept else NONE,
        "in_service_model_uri": record["evaluated_uri" if is_refitted else "artifact_uri"],
        "in_service_code_uri": record.get("code_uri") or f"{code_folder(settings, record['release'])}/inference/",
        "in_service_train_uri": train_uri(record, settings) if run_is_kept else placeholder,
    }


def _hyperparameters(settings: Settings, code_uri: str) -> dict[str, str]:
    """SageMaker's script mode: every value is a string that holds JSON, and so are the script and its archive."""
    training = settings.model.training
    values = {
        **training.hyperparameters.model_dump(),
        "min_class_rows": training.min_class_rows,
        "max_class_rows": training.max_class_rows,
        **settings.model.issues.of_training(),
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": code_uri,
        "sagemaker_region": settings.pipeline.aws.region,
    }
    return {name: json.dumps(value) for name, value in values.items()}


def _static_hyperparameters(settings: Settings, code_uri: str) -> dict[str, str]:
    """What all training jobs of a tuning job have in common."""
    tuning = settings.model.tuning
    given = _hyperparameters(settings, code_uri) | {"validation_fraction": json.dumps(tuning.validation_fraction)}
    return {name: value for name, value in given.items() if name not in tuning.ranges}


def train_uri(model: Mapping[str, Any], settings: Settings) -> str:
    """Where the rows are that a version was trained on before its evaluation, given by its record."""
    return rows_to_train_on(run_folder(settings, model["run_id"]))
