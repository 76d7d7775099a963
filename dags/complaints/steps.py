"""The Python tasks of the flows: each reads and writes S3 and SageMaker, and decides nothing by itself.

Each function is one task, takes and returns JSON, and makes its clients when it is called, so that it runs the
same in an Airflow worker and in a Lambda. Run twice, it does what it did once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from complaints import accounting, jobs, planning, registry
from complaints.settings import Settings, Storage, load_settings
from complaints.storage import Bucket

log = logging.getLogger(__name__)


def plan_classification(source: str, etag: str = "") -> dict[str, Any]:
    """Plans the classification of the complaints in `source` (of this ETag, if any), and writes the plan down."""
    settings = load_settings()
    bucket = _bucket(settings)
    inputs = _inputs(bucket, source, settings.pipeline.storage.raw, settings, etag)
    plan = planning.classification_plan(
        inputs,
        source=source,
        release=_release(bucket),
        model=registry.model_in_service(bucket),
        settings=settings,
    )
    return _written(bucket, dict(plan), inputs)


def plan_training(source: str) -> dict[str, Any]:
    """Plans the training on the labelled complaints in `source`, and writes the plan down."""
    settings = load_settings()
    bucket = _bucket(settings)
    inputs = _inputs(bucket, source, settings.pipeline.storage.history, settings)
    plan = planning.training_plan(inputs, source=source, release=_release(bucket), settings=settings)
    return _written(bucket, dict(plan), inputs)


def history_adds_up(plan: Mapping[str, Any]) -> dict[str, int]:
    """Proves that the preparation of a training run lost no row."""
    bucket = _bucket(load_settings())
    account = _job_document(bucket, plan["account_uri"])
    return accounting.check_account(account, accounting.TRAINING_FATES)


def results_add_up(plan: Mapping[str, Any]) -> dict[str, int]:
    """Proves that a classification run lost no row between the raw files and its results."""
    bucket = _bucket(load_settings())
    account = _job_document(bucket, plan["results_account_uri"])
    return accounting.check_account(account, accounting.CLASSIFICATION_FATES)


def trained_model(training: Mapping[str, Any]) -> dict[str, str]:
    """Which job trained and where its model is, whatever attempt it was; `training` is the operator's result."""
    job = training["Training"]
    return {
        "training_job_name": job["TrainingJobName"],
        "model_uri": job["ModelArtifacts"]["S3ModelArtifacts"],
    }


def register_model(plan: Mapping[str, Any], trained: Mapping[str, str]) -> str:
    """Keeps the trained model as the next version, with its evaluation; returns the version's name."""
    settings = load_settings()
    bucket = _bucket(settings)
    version = registry.claim_version(bucket, plan["run_id"])
    bucket.copy(bucket.key(trained["model_uri"]), version.artifact_key)
    artifact_uri = f"s3://{bucket.name}/{version.artifact_key}"
    model_name = f"complaints-{version.name}-{plan['run_id']}"
    _create_model(
        jobs.model(model_name, model_uri=artifact_uri, code_uri=plan["inference_archive_uri"], settings=settings),
        settings,
    )
    record = {
        "version": version.name,
        "model_name": model_name,
        "artifact_uri": artifact_uri,
        "sha256": bucket.sha256(version.artifact_key),
        "run_id": plan["run_id"],
        "release": plan["release"],
        "training_job_name": trained["training_job_name"],
        "evaluation": bucket.read_json(f"{bucket.key(plan['evaluation_uri'])}evaluation.json"),
    }
    bucket.write_json(version.record_key, record)
    log.info("registered %s from %s", version.name, trained["training_job_name"])
    return version.name


def promote_model(version: str) -> dict[str, Any]:
    """Puts `version` into service: from now on every new plan pins it."""
    pointer = registry.promote(_bucket(load_settings()), version)
    log.info("%s is in service, %s was before", pointer["version"], pointer["previous"])
    return pointer


def publish_manifest(plan: Mapping[str, Any], account: Mapping[str, int]) -> str:
    """Makes the run visible: its manifest names every result file and the account; returns its URI."""
    bucket = _bucket(load_settings())
    key = f"manifests/run_id={plan['run_id']}.json"
    planned = bucket.read_json(bucket.key(plan["plan_uri"]))
    files = bucket.objects(bucket.key(plan["results_uri"]))
    manifest = {
        "run_id": plan["run_id"],
        "flow": plan["flow"],
        "release": plan["release"],
        "model_version": plan["model_version"],
        "inputs": planned["inputs"] if planned else [],
        "account": dict(account),
        "results": [{"key": each.key, "etag": each.etag, "size": each.size} for each in files],
    }
    # A re-run of the same plan replaces its own manifest, and nobody else's.
    before, etag = bucket.read_json_and_etag(key)
    if manifest != before:
        bucket.write_json(key, manifest, if_absent=before is None, if_match=etag)
    return f"s3://{bucket.name}/{key}"


def _bucket(settings: Settings) -> Bucket:
    client = boto3.client("s3", region_name=settings.pipeline.aws.region)
    return Bucket(client, settings.pipeline.storage.bucket)


def _inputs(bucket: Bucket, source: str, below: str, settings: Settings, etag: str = "") -> list[planning.InputObject]:
    planning.checked_source(source, Storage.source_pattern(below))
    found = bucket.current_versions(source)
    inputs = planning.complaints_objects(found, bucket=bucket.name, source=source, etag=etag)
    return planning.within_limits(inputs, bucket=bucket.name, limits=settings.pipeline.limits)


def _release(bucket: Bucket) -> str:
    """The code that deploy uploaded last, by its content hash."""
    pointer = bucket.read_json("artifacts/latest.json")
    if pointer is None:
        raise planning.PlanError(f"s3://{bucket.name}/artifacts/latest.json is absent: deploy first")
    return str(pointer["release"])


def _written(bucket: Bucket, plan: dict[str, Any], inputs: list[planning.InputObject]) -> dict[str, Any]:
    bucket.write_json(bucket.key(plan["plan_uri"]), planning.plan_document(plan, inputs))
    log.info("run %s reads %d files below %s", plan["run_id"], len(inputs), plan["source_uri"])
    return plan


def _job_document(bucket: Bucket, folder_uri: str) -> dict[str, Any]:
    """The one JSON document that a Spark job wrote into a folder, whatever Spark named the file."""
    found = [each.key for each in bucket.objects(bucket.key(folder_uri)) if each.size]
    if len(found) != 1:
        raise FileNotFoundError(f"{folder_uri} holds {len(found)} files where one JSON document was expected")
    document: dict[str, Any] = bucket.read_json(found[0]) or {}
    return document


def _create_model(request: dict[str, Any], settings: Settings) -> None:
    """CreateModel, once: a retry finds the model that it had made, which its name ties to the run."""
    client = boto3.client("sagemaker", region_name=settings.pipeline.aws.region)
    try:
        client.create_model(**request)
    except ClientError as error:
        if "already exist" not in str(error):
            raise
