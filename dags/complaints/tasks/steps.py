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

from complaints.aws import jobs
from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.runs import accounting, plans, publishing, requests, source_ledger
from complaints.settings import Settings, Storage, load_settings

log = logging.getLogger(__name__)


def find_glue_job(job_name: str, arguments: Mapping[str, str], output_uri: str) -> dict[str, Any]:
    """What there is of a step's Glue run (`adoption.glue_job`): asked by a state machine before it starts one."""
    settings = load_settings()
    bucket, glue = _bucket(settings), _client("glue", settings)
    job = jobs.glue_job(glue, bucket.has_objects, job_name=job_name, arguments=arguments, output_uri=output_uri)
    return {"state": job.state, "name": job.name, "result": jobs.result_of("Glue", job)}


def find_sagemaker_job(kind: str, request: Mapping[str, Any], output_uri: str) -> dict[str, Any]:
    """What there is of a step's SageMaker job (`adoption.sagemaker_job`), and the name to create it by."""
    settings = load_settings()
    bucket, sagemaker = _bucket(settings), _client("sagemaker", settings)
    job = jobs.sagemaker_job(sagemaker, bucket.has_objects, kind=kind, request=request, output_uri=output_uri)
    return {"state": job.state, "name": job.name, "result": jobs.result_of(kind, job)}


def plan_classification(source: str, etag: str | None = "") -> dict[str, Any]:
    """Plans the classification of the complaints in `source` (of this ETag, if any), and writes the plan down."""
    settings = load_settings()
    bucket = _bucket(settings)
    inputs = _inputs(bucket, source, settings.pipeline.storage.raw, settings, etag or "")
    model = registry.model_in_service(bucket)
    registry.check_artifact(bucket, model)
    plan = plans.classification_plan(
        inputs,
        source=source,
        release=_release(bucket),
        model=model,
        settings=settings,
    )
    return _written(bucket, dict(plan), inputs)


def plan_training(source: str) -> dict[str, Any]:
    """Plans the training on the labelled complaints in `source`, and writes the plan down."""
    settings = load_settings()
    bucket = _bucket(settings)
    inputs = _inputs(bucket, source, settings.pipeline.storage.history, settings)
    plan = plans.training_plan(inputs, source=source, release=_release(bucket), settings=settings)
    return _written(bucket, dict(plan), inputs)


def history_adds_up(plan: Mapping[str, Any], accept_fewer_rows: bool = False) -> dict[str, int]:
    """Proves that the preparation of a training run lost no row, and that its source did not collapse."""
    return _checked(plan, plan["account_uri"], accounting.TRAINING_FATES, accept_fewer_rows)


def results_add_up(plan: Mapping[str, Any], accept_fewer_rows: bool = False) -> dict[str, int]:
    """Proves that a run lost no row between the raw files and its results, and that its source did not collapse."""
    return _checked(plan, plan["results_account_uri"], accounting.CLASSIFICATION_FATES, accept_fewer_rows)


def _checked(
    plan: Mapping[str, Any], account_uri: str, fates: tuple[str, ...], accept_fewer_rows: bool
) -> dict[str, int]:
    settings = load_settings()
    bucket = _bucket(settings)
    counts = accounting.check_account(_job_document(bucket, account_uri), fates)
    least = settings.pipeline.limits.min_rows_of_last_run
    last = source_ledger.last_run(bucket, plan)
    source_ledger.check_rows(counts["rows_in"], last, plan, least=least, accept_fewer=accept_fewer_rows)
    return counts


def trained_model(training: Mapping[str, Any]) -> dict[str, str]:
    """Which job trained, where its model is and what its SHA-256; `training` is the operator's result.

    From here on the model is known by its digest: nothing else can be evaluated, registered or served in its place.
    """
    job = training["Training"]
    bucket = _bucket(load_settings())
    model_uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    sha256 = bucket.sha256(bucket.key(model_uri))
    if sha256 is None:
        raise FileNotFoundError(f"{model_uri} is absent: {job['TrainingJobName']} left no model")
    return {"training_job_name": job["TrainingJobName"], "model_uri": model_uri, "sha256": sha256}


def register_model(plan: Mapping[str, Any], trained: Mapping[str, str]) -> str:
    """Keeps the trained model as the next version, with its evaluation; returns the version's name.

    Raises:
        ModelRefusedError: there is no evaluation of this model by this run, or its bytes changed on the way.
    """
    bucket = _bucket(load_settings())
    found = bucket.read_json(f"{bucket.key(plan['evaluation_uri'])}evaluation.json")
    evaluation = registry.check_evaluation(found, run_id=plan["run_id"], sha256=trained["sha256"])
    version = registry.claim_version(bucket, plan["run_id"])
    if bucket.read_json(version.record_key) is None:
        _register(bucket, version, plan, trained, evaluation)
    else:  # whatever was trained again: what is registered, and may be in service, never changes
        log.info("%s is registered already", version.name)
    rows_in = accounting.check_account(_job_document(bucket, plan["account_uri"]), accounting.TRAINING_FATES)["rows_in"]
    source_ledger.remember(bucket, plan, rows_in, since=bucket.last_modified(version.record_key))
    return version.name


def _register(
    bucket: Bucket,
    version: registry.ModelVersion,
    plan: Mapping[str, Any],
    trained: Mapping[str, str],
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


def promote_model(version: str) -> dict[str, Any]:
    """Puts `version` into service: from now on every new plan pins it."""
    pointer = registry.promote(_bucket(load_settings()), version)
    log.info("%s is in service, %s was before", pointer["version"], pointer["previous"])
    return pointer


def publish_manifest(plan: Mapping[str, Any], account: Mapping[str, int]) -> str:
    """Makes the run visible: copies its audited files and writes the manifest that names them; returns its URI."""
    bucket = _bucket(load_settings())
    audited = _job_document(bucket, plan["results_account_uri"])
    planned = bucket.read_json(bucket.key(plan["plan_uri"]))
    if planned is None:
        raise FileNotFoundError(f"{plan['plan_uri']} is absent: clear plan_classification")
    manifest = publishing.manifest_of(plan, planned, account, audited)
    folder = bucket.key(plan["candidate_uri"])
    key = publishing.publish(bucket, manifest, [f"{folder}{each['name']}" for each in audited["files"]])
    source_ledger.remember(bucket, plan, account["rows_in"], since=bucket.last_modified(key))
    return f"s3://{bucket.name}/{key}"


def _client(service: str, settings: Settings) -> Any:
    return boto3.client(service, region_name=settings.pipeline.aws.region)


def _bucket(settings: Settings) -> Bucket:
    return Bucket(_client("s3", settings), settings.pipeline.storage.bucket)


def _inputs(bucket: Bucket, source: str, below: str, settings: Settings, etag: str = "") -> list[plans.InputObject]:
    plans.checked_source(source, Storage.source_pattern(below))
    found = bucket.current_versions(source)
    inputs = plans.complaints_objects(found, bucket=bucket.name, source=source, etag=etag)
    return plans.within_limits(inputs, bucket=bucket.name, limits=settings.pipeline.limits)


def _release(bucket: Bucket) -> str:
    """The code that deploy uploaded last, by its content hash."""
    pointer = bucket.read_json("artifacts/latest.json")
    if pointer is None:
        raise plans.PlanError(f"s3://{bucket.name}/artifacts/latest.json is absent: deploy first")
    return str(pointer["release"])


def _written(bucket: Bucket, plan: dict[str, Any], inputs: list[plans.InputObject]) -> dict[str, Any]:
    bucket.write_json(bucket.key(plan["plan_uri"]), plans.plan_document(plan, inputs))
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
    try:
        _client("sagemaker", settings).create_model(**request)
    except ClientError as error:
        if "already exist" not in str(error):
            raise
