"""Registers a trained model as a version: its files, its SageMaker model, and, last of all, its record."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from complaints.aws import jobs
from complaints.aws.bucket import Bucket
from complaints.aws.clients import client
from complaints.aws.job_kinds import TRAINING
from complaints.models import cards, registry
from complaints.models.gate import Decision
from complaints.models.registry import ModelVersion
from complaints.models.tuning import Chosen
from complaints.runs import requests
from complaints.runs.plans import NONE, TrainedModel, TrainingPlan
from complaints.settings import Settings

log = logging.getLogger(__name__)

# What the evaluation left for the version's folder, beside `evaluation.json`, if it is there.
_BASELINE = "baseline.json"
_FROM_EVALUATION = ("evaluation.json", "evaluation.html", _BASELINE)


def register(
    bucket: Bucket,
    version: ModelVersion,
    plan: TrainingPlan,
    trained: TrainedModel,
    chosen: Chosen,
    evaluation: Mapping[str, Any],
    decision: Decision,
    settings: Settings,
) -> None:
    """Copies the model to the version's folder, and writes its record: the version exists from then on.

    Raises:
        ModelRefusedError: the model's bytes are no longer those that were evaluated.
    """
    serves = _refitted(bucket, plan, chosen, settings) if decision["refit"] else trained
    _copy_model(bucket, serves, version.artifact_key)
    if decision["refit"]:
        _copy_model(bucket, trained, version.evaluated_key)
    copied = _copy_evaluation(bucket, plan, version)
    model_name = f"complaints-{version.name}-{plan['run_id']}"
    artifact_uri = f"s3://{bucket.name}/{version.artifact_key}"
    _create_model(
        requests.model(model_name, model_uri=artifact_uri, code_uri=plan["inference_archive_uri"], settings=settings),
        settings,
    )
    record = {
        **_model(bucket, version, trained, serves, is_refitted=decision["refit"]),
        **_origin(plan, trained, chosen),
        "model_name": model_name,
        "created_at": bucket.last_modified(version.claim_key),
        "evaluation_uri": f"s3://{bucket.name}/{version.prefix}evaluation.json",
        "baseline_uri": f"s3://{bucket.name}/{version.prefix}{_BASELINE}" if _BASELINE in copied else None,
        "verdict": {name: decision[name] for name in ("verdict", "reasons", "gate")},
        "evaluation": evaluation,
    }
    bucket.write_text(f"{version.prefix}card.md", cards.model_card(record), "text/markdown")
    bucket.write_json(version.record_key, record)
    log.info("registered %s from %s: %s", version.name, serves["training_job_name"], decision["verdict"])


def _model(
    bucket: Bucket, version: ModelVersion, trained: TrainedModel, serves: TrainedModel, *, is_refitted: bool
) -> dict[str, Any]:
    """The part of a record about the model that serves, and about the one that was evaluated."""
    evaluated_key = version.evaluated_key if is_refitted else version.artifact_key
    return {
        "version": version.name,
        "artifact_uri": f"s3://{bucket.name}/{version.artifact_key}",
        "sha256": serves["sha256"],
        "refitted": is_refitted,
        "refit_job_name": serves["training_job_name"] if is_refitted else None,
        "evaluated_uri": f"s3://{bucket.name}/{evaluated_key}",
        "evaluated_sha256": trained["sha256"],
    }


def _origin(plan: TrainingPlan, trained: TrainedModel, chosen: Chosen) -> dict[str, Any]:
    """The part of a record about where the model comes from."""
    in_service = plan["in_service_version"]
    return {
        "run_id": plan["run_id"],
        "release": plan["release"],
        "code_uri": plan["inference_code_uri"],
        "training_job_name": trained["training_job_name"],
        "hyperparameters": _hyperparameters(chosen),
        "tuning_job_name": chosen.get("tuning_job_name"),
        "in_service": None if in_service == NONE else in_service,
    }


def _refitted(bucket: Bucket, plan: TrainingPlan, chosen: Chosen, settings: Settings) -> TrainedModel:
    """The model of `refit_model`, which may be skipped, so that no reference can name what it returned.

    Raises:
        ModelRefusedError: there is none.
    """
    job = jobs.sagemaker_job(
        client("sagemaker", settings),
        bucket.has_objects,
        kind=TRAINING,
        request=requests.refit_job(plan, chosen, settings),
        output_uri=plan["refit_uri"],
    )
    if job.state != "done":
        raise registry.ModelRefusedError(f"run {plan['run_id']} has no refitted model: run refit_model again")
    model_uri = job.described["ModelArtifacts"]["S3ModelArtifacts"]
    sha256 = bucket.sha256(bucket.key(model_uri))
    if sha256 is None:
        raise registry.ModelRefusedError(f"{model_uri} is absent: {job.name} left no model; run refit_model again")
    return {"training_job_name": job.name, "model_uri": model_uri, "sha256": sha256}


def _copy_model(bucket: Bucket, model: TrainedModel, key: str) -> None:
    bucket.copy(bucket.key(model["model_uri"]), key)
    registry.check_digest(bucket, key, model["sha256"], model["training_job_name"])


def _copy_evaluation(bucket: Bucket, plan: TrainingPlan, version: ModelVersion) -> set[str]:
    """Copies what the evaluation left, and returns the names: intermediate data may be deleted one day."""
    folder = bucket.key(plan["evaluation_uri"])
    there = {each.key.removeprefix(folder) for each in bucket.objects(folder)}
    names = there.intersection(_FROM_EVALUATION)
    for name in sorted(names):
        bucket.copy(f"{folder}{name}", f"{version.prefix}{name}")
    return names


def _hyperparameters(chosen: Chosen) -> dict[str, Any]:
    """The values that the training script was given, without what SageMaker's script mode adds."""
    given = chosen["hyperparameters"].items()
    return {name: json.loads(value) for name, value in given if not name.startswith("sagemaker_")}


def _create_model(request: dict[str, Any], settings: Settings) -> None:
    """CreateModel, once: the name contains the run's id, so a retry finds the model that it created."""
    try:
        client("sagemaker", settings).create_model(**request)
    except ClientError as error:
        if "already exist" not in str(error):
            raise
