"""What one run will use: every name and URI, computed once from the run's inputs.

The same input gives the same plan, so that a retry finds what it started and a re-run overwrites its own
prefix only. Nothing here touches S3; `steps` lists the objects and writes the plan down.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from complaints.settings import Settings
from complaints.settings.limits import Limits

# What an object's name must end in, in any case; what it really is its first bytes say when it is read.
OUR_SUFFIXES = (".csv", ".csv.gz", ".zip")
_SUFFIXES_SAID = "no .csv, .csv.gz or .zip file"


class PlanError(ValueError):
    """No run can be planned from what was found; the message says what is missing and where."""


@dataclass(frozen=True, order=True)
class InputObject:
    """One S3 object to read. Sorted oldest first: where two copies of a complaint differ, the newest wins."""

    last_modified: str
    key: str
    etag: str
    size: int
    version: str = ""
    """The object's VersionId; empty where the bucket keeps none. No part of a run's identity: the ETag is."""


class Plan(TypedDict):
    """What both flows have in common; URIs of folders end in `/`."""

    run_id: str
    flow: str
    release: str
    configuration: str
    source_uri: str
    plan_uri: str
    label_rules: str
    limits: str
    parsed_uri: str
    complaints_uri: str
    quarantine_uri: str
    account_uri: str


class ClassificationPlan(Plan):
    """The names of one classification run."""

    model_version: str
    model_sha256: str
    model_name: str
    records_uri: str
    classes: str
    review_below: str
    scores_uri: str
    candidate_uri: str
    results_uri: str
    results_account_uri: str
    transform_job_name: str


class TrainingPlan(Plan):
    """The names of one training run."""

    rows_uri: str
    train_uri: str
    held_out_uri: str
    newest_fraction: str
    test_fraction: str
    hyperparameters: dict[str, str]
    training_job_name: str
    training_uri: str
    evaluation_job_name: str
    evaluation_uri: str
    inference_code_uri: str
    inference_archive_uri: str


def checked_source(source: str, pattern: str) -> str:
    """`source`, if a run may read it: whoever starts an execution is not checked by the DAG's parameters.

    Raises:
        PlanError: it is outside of the prefix, or holds characters that are never needed.
    """
    if not re.fullmatch(pattern, source):
        raise PlanError(f"{source!r} may not be read: it would match {pattern}")
    return source


def why_not_complaints(listing: InputObject) -> str | None:
    """Why an object is none of a run's input; None where it is one."""
    name = listing.key.rpartition("/")[2]
    if not name:
        return "a folder marker"
    if name[0] in "_.":
        return "an unfinished upload, as its name says"
    if not name.lower().endswith(OUR_SUFFIXES):
        return _SUFFIXES_SAID
    return None if listing.size else "empty"


def complaints_objects(listed: Iterable[InputObject], *, bucket: str, source: str, etag: str = "") -> list[InputObject]:
    """The objects of `source` that are complaints, oldest first; of an object's key only that one.

    Folder markers, empty objects and names that begin with `_` or `.` (unfinished uploads) are passed over.

    Raises:
        PlanError: none is left, or the one object no longer has the ETag `etag`.
    """
    named = (listing for listing in listed if source.endswith("/") or listing.key == source)
    chosen = sorted(listing for listing in named if why_not_complaints(listing) is None)
    if not chosen:
        raise PlanError(
            f"no complaints under s3://{bucket}/{source}: put at least one .csv, .csv.gz or .zip file there"
        )
    if etag and [each.etag for each in chosen] != [etag]:
        found = ", ".join(f"{each.key} with ETag {each.etag}" for each in chosen)
        raise PlanError(f"{source!r} no longer is the object with ETag {etag}: there is {found}, to be run by itself")
    return chosen


def within_limits(inputs: list[InputObject], *, bucket: str, limits: Limits) -> list[InputObject]:
    """The inputs, if they are not too many and none is too large to be read.

    Raises:
        PlanError: they are; the message names the object, its size, the limit and the setting.
    """
    if len(inputs) > limits.max_files:
        raise PlanError(
            f"{len(inputs):,} files are more than one run may read: put fewer under one prefix, or raise "
            f"limits.max_files ({limits.max_files:,}) in pipeline_config.yaml"
        )
    largest = max(inputs, key=lambda each: each.size)
    if largest.size > limits.max_file_mb * 1_000_000:
        raise PlanError(
            f"s3://{bucket}/{largest.key} has {largest.size / 1_000_000:,.1f} MB: split it, or raise "
            f"limits.max_file_mb ({limits.max_file_mb:,}) in pipeline_config.yaml"
        )
    return inputs


def classification_plan(
    inputs: list[InputObject], *, source: str, release: str, model: Mapping[str, Any], settings: Settings
) -> ClassificationPlan:
    """The plan of classifying `inputs` with the model that is in service now, by its record in the registry."""
    common = _common("classification", inputs, source, release, settings, pinned=model["version"])
    run = _processed(settings, common["run_id"])
    return {
        **common,
        "model_version": model["version"],
        "model_sha256": model["sha256"],
        "model_name": model["model_name"],
        "records_uri": f"{run}/records/",
        "classes": json.dumps(model["evaluation"]["classes"]),
        "review_below": str(settings.model.review_below),
        "scores_uri": f"{run}/scores/",
        "candidate_uri": f"{run}/results/",
        "results_uri": f"{_bucket(settings)}/results/run_id={common['run_id']}/",
        "results_account_uri": f"{run}/results_account/",
        "transform_job_name": f"complaints-classify-{common['run_id']}",
    }


def training_plan(inputs: list[InputObject], *, source: str, release: str, settings: Settings) -> TrainingPlan:
    """The plan of learning from `inputs`."""
    common = _common("training", inputs, source, release, settings)
    run = _processed(settings, common["run_id"])
    code = f"{_bucket(settings)}/artifacts/{release}"
    return {
        **common,
        "rows_uri": f"{run}/rows/",
        "train_uri": f"{run}/rows/use=train/",
        "held_out_uri": f"{run}/rows/use=evaluate/",
        "newest_fraction": str(settings.model.split.newest_fraction),
        "test_fraction": str(settings.model.split.test_fraction),
        "hyperparameters": _hyperparameters(settings, f"{code}/training.tar.gz"),
        "training_job_name": f"complaints-train-{common['run_id']}",
        "training_uri": f"{run}/training/",
        "evaluation_job_name": f"complaints-evaluate-{common['run_id']}",
        "evaluation_uri": f"{run}/evaluation/",
        "inference_code_uri": f"{code}/inference/",
        "inference_archive_uri": f"{code}/inference.tar.gz",
    }


def plan_document(plan: Mapping[str, Any], inputs: list[InputObject]) -> dict[str, Any]:
    """What is written at `plan_uri`: the plan, and the objects that it is about, oldest first."""
    bucket = plan["plan_uri"].split("/", 3)[2]
    named = [{**asdict(each), "uri": f"s3://{bucket}/{each.key}"} for each in inputs]
    return {**plan, "inputs": named}


def run_id(flow: str, inputs: list[InputObject], *facts: str) -> str:
    """Sixteen hex digits that stand for the same input bytes, configuration, code and model, and no other."""
    identity = [flow, [(each.key, each.etag) for each in inputs], facts]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]


def _common(
    flow: str, inputs: list[InputObject], source: str, release: str, settings: Settings, pinned: str = ""
) -> Plan:
    identity = run_id(flow, inputs, settings.fingerprint(), release, pinned)
    bucket = _bucket(settings)
    rules = [[rule.contains, rule.label] for rule in settings.model.labels]
    return {
        "run_id": identity,
        "flow": flow,
        "release": release,
        "configuration": settings.fingerprint(),
        "source_uri": f"{bucket}/{source}",
        "plan_uri": f"{bucket}/manifests/planned/run_id={identity}.json",
        "label_rules": json.dumps(rules),
        "limits": json.dumps(settings.pipeline.limits.of_reading()),
        "parsed_uri": f"{_processed(settings, identity)}/parsed/",
        "complaints_uri": f"{_processed(settings, identity)}/complaints/",
        "quarantine_uri": f"{bucket}/quarantine/run_id={identity}/",
        "account_uri": f"{_processed(settings, identity)}/account/",
    }


def _hyperparameters(settings: Settings, code_uri: str) -> dict[str, str]:
    """SageMaker's script mode: every value is JSON in a string, the script and its archive among them."""
    training = settings.model.training
    values = {
        **training.hyperparameters.model_dump(),
        "min_class_rows": training.min_class_rows,
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": code_uri,
        "sagemaker_region": settings.pipeline.aws.region,
    }
    return {name: json.dumps(value) for name, value in values.items()}


def _bucket(settings: Settings) -> str:
    return f"s3://{settings.pipeline.storage.bucket}"


def _processed(settings: Settings, identity: str) -> str:
    return f"{_bucket(settings)}/processed/run_id={identity}"
