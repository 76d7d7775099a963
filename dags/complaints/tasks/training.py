"""The Python tasks of `complaints_training`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from complaints.aws.bucket import Bucket
from complaints.aws.clients import client, environment_bucket
from complaints.models import promotion, registry
from complaints.models.packages import Packages
from complaints.notifications import set_aside
from complaints.runs import accounting, documents, inputs, plans, requests, source_ledger
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)


def plan_training(source: str) -> plans.TrainingPlan:
    """Plans the training on the labelled complaints in `source`, and writes the plan."""
    settings = load_settings()
    bucket = environment_bucket(settings)
    found = inputs.inputs_of(bucket, source, below=settings.pipeline.storage.history, limits=settings.pipeline.limits)
    release = documents.release_in_use(bucket)
    plan = plans.training_plan(found, source=source, release=release, settings=settings)
    documents.write_plan(bucket, plan, found)
    return plan


def history_adds_up(plan: plans.TrainingPlan, accept_fewer_rows: bool = False) -> dict[str, int]:
    """The account of a training run, once it adds up: no row was lost, and the source did not collapse.

    Files that the run set aside are reported.

    Raises:
        RowsMissingError: rows are missing, or there are too many.
        RowsCollapsedError: the source has far fewer rows than in its last run.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    counts = _account(bucket, plan)
    source_ledger.check_source(bucket, plan, counts["rows_in"], settings.pipeline.limits, accept_fewer_rows)
    prepared = documents.job_document(bucket, plan["account_uri"])
    set_aside.report(plan, prepared.get("unreadable_files", ()), settings)
    return counts


def trained_model(training: Mapping[str, Any]) -> plans.TrainedModel:
    """The model that a training job left: its job, its URI and its SHA-256; `training` is the operator's result.

    The digest identifies the model from here on: no other model can be evaluated, registered or served in its place.
    """
    job = training["Training"]
    bucket = environment_bucket(load_settings())
    model_uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    sha256 = bucket.sha256(bucket.key(model_uri))
    if sha256 is None:
        raise FileNotFoundError(f"{model_uri} is absent: {job['TrainingJobName']} left no model")
    return {"training_job_name": job["TrainingJobName"], "model_uri": model_uri, "sha256": sha256}


def register_model(plan: plans.TrainingPlan, trained: plans.TrainedModel) -> str:
    """Registers the trained model as the next version, with its evaluation; returns the version's name.

    Raises:
        ModelRefusedError: this run has no evaluation of this model, or the model's bytes have changed.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    found = bucket.read_json(f"{bucket.key(plan['evaluation_uri'])}evaluation.json")
    evaluation = registry.check_evaluation(found, run_id=plan["run_id"], sha256=trained["sha256"])
    version = registry.claim_version(bucket, plan["run_id"])
    if bucket.read_json(version.record_key) is None:
        _register(bucket, version, plan, trained, evaluation)
    else:  # it may be in service, so it never changes, even if the run has trained again
        log.info("%s was registered before", version.name)
    # Also after a crash between the record and its package.
    Packages(client("sagemaker", settings), bucket.name).register(bucket.read_json(version.record_key) or {})
    rows_in = _account(bucket, plan)["rows_in"]
    source_ledger.remember(bucket, plan, rows_in, since=bucket.last_modified(version.record_key))
    return version.name


def promote_model(version: str) -> promotion.Pointer:
    """Puts `version` into service: every plan from now on uses it.

    Raises:
        PromotionRefusedError: it must not serve.
        PromotionLostError: somebody else promoted a version at the same time.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    word = promotion.decision("complaints_training", datetime.now(UTC).isoformat(), "trained and evaluated")
    approval_of = Packages(client("sagemaker", settings), bucket.name).approval_of
    return promotion.move(bucket, promotion.planned(bucket, promotion.PROMOTE, version, word, approval_of))


def _account(bucket: Bucket, plan: plans.TrainingPlan) -> dict[str, int]:
    account = documents.job_document(bucket, plan["account_uri"])
    return accounting.check_account(account, accounting.TRAINING_FATES)


def _register(
    bucket: Bucket,
    version: registry.ModelVersion,
    plan: plans.TrainingPlan,
    trained: plans.TrainedModel,
    evaluation: Mapping[str, Any],
) -> None:
    settings = load_settings()
    bucket.copy(bucket.key(trained["model_uri"]), version.artifact_key)
    registry.check_digest(bucket, version.artifact_key, trained["sha256"], trained["training_job_name"])
    artifact_uri = f"s3://{bucket.name}/{version.artifact_key}"
    model_name = f"complaints-{version.name}-{plan['run_id']}"
    _create_model(
        requests.model(model_name, model_uri=artifact_uri, code_uri=plan["inference_archive_uri"], settings=settings),
        settings,
    )
    record = {
        "version": version.name,
        "model_name": model_name,
        "artifact_uri": artifact_uri,
        "sha256": trained["sha256"],
        "run_id": plan["run_id"],
        "release": plan["release"],
        "training_job_name": trained["training_job_name"],
        "evaluation": evaluation,
    }
    bucket.write_json(version.record_key, record)
    log.info("registered %s from %s", version.name, trained["training_job_name"])


def _create_model(request: dict[str, Any], settings: Settings) -> None:
    """CreateModel, once: the name contains the run's id, so a retry finds the model that it created."""
    try:
        client("sagemaker", settings).create_model(**request)
    except ClientError as error:
        if "already exist" not in str(error):
            raise
