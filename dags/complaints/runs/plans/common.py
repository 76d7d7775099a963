"""What the plans of both flows have in common: their identity, their folders, and the limits of names."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypedDict

from complaints.aws.objects import ObjectVersion
from complaints.errors import FinalError
from complaints.settings import Settings


class PlanError(FinalError, ValueError):
    """No run can be planned; the message says what is missing or wrong, and where."""


class Plan(TypedDict):
    """The common part of both plans; URIs of folders end in `/`."""

    run_id: str
    flow: str
    release: str
    configuration: str
    source_uri: str
    plan_uri: str
    glue_modules_uri: str
    label_rules: str
    limits: str
    parsed_uri: str
    complaints_uri: str
    quarantine_uri: str
    account_uri: str


def common_plan(
    flow: str, inputs: list[ObjectVersion], source: str, release: str, settings: Settings, *pinned: str
) -> Plan:
    """The part of a plan that all flows have; a run with other `pinned` facts is another run."""
    identity = run_id(flow, inputs, settings.fingerprint(), release, *pinned)
    bucket, run = bucket_uri(settings), run_folder(settings, identity)
    return {
        "run_id": identity,
        "flow": flow,
        "release": release,
        "configuration": settings.fingerprint(),
        "source_uri": f"{bucket}/{source}",
        "plan_uri": f"{bucket}/manifests/planned/run_id={identity}.json",
        "glue_modules_uri": f"{code_folder(settings, release)}/glue.zip",
        "label_rules": json.dumps(settings.model.of_labels()),
        "limits": json.dumps(settings.pipeline.of_reading()),
        "parsed_uri": f"{run}/parsed/",
        "complaints_uri": f"{run}/complaints/",
        "quarantine_uri": f"{bucket}/quarantine/run_id={identity}/",
        "account_uri": f"{run}/account/",
    }


def run_id(flow: str, inputs: list[ObjectVersion], *facts: str) -> str:
    """Sixteen hex digits that identify the input bytes, the configuration, the code and the model of a run.

    An object counts by key and ETag. Its version id does not: the same bytes uploaded again are the same run.
    """
    identity = [flow, [(each.key, each.etag) for each in inputs], facts]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]


def checked_name(field: str, name: str, longest: int) -> str:
    """`name`, if AWS accepts a name of that length; a state machine gets it as a reference, and cannot check it.

    Raises:
        PlanError: it is too long; the message gives the name, its length and the limit.
    """
    if len(name) > longest:
        raise PlanError(f"{field} {name!r} has {len(name)} characters: AWS leaves room for {longest}")
    return name


def plan_document(plan: Plan, inputs: list[ObjectVersion]) -> dict[str, Any]:
    """The document at `plan_uri`: the plan and its input objects, oldest first."""
    bucket = plan["plan_uri"].split("/", 3)[2]
    return {**plan, "inputs": [_input(each, bucket) for each in inputs]}


def _input(version: ObjectVersion, bucket: str) -> dict[str, Any]:
    """An input as the Glue jobs read it. An empty `version` means that the bucket keeps no versions."""
    return {
        "uri": f"s3://{bucket}/{version.key}",
        "key": version.key,
        "etag": version.etag,
        "version": version.version_id,
        "size": version.size,
        "last_modified": version.last_modified,
    }


def bucket_uri(settings: Settings) -> str:
    """The data bucket, without a `/` at its end."""
    return f"s3://{settings.pipeline.storage.bucket}"


def run_folder(settings: Settings, identity: str) -> str:
    """The folder that the jobs of a run write to, without a `/` at its end."""
    return f"{bucket_uri(settings)}/processed/run_id={identity}"


def code_folder(settings: Settings, release: str) -> str:
    """The folder that deploy uploaded the code of a release to."""
    return f"{bucket_uri(settings)}/artifacts/{release}"


def rows_to_train_on(run: str) -> str:
    """Where a training run, by its folder, keeps the rows that the model is trained on."""
    return f"{run}/rows/use=train/"


def held_out_rows(run: str) -> str:
    """Where a training run keeps the rows that the model is evaluated on."""
    return f"{run}/rows/use=evaluate/"
