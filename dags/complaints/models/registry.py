"""The versions of the model under `models/versioned/vN/`, and the pointer `models/latest` to the one in service.

A training claims its version by one conditional write, so two trainings never share a number, and a retry finds the
number that it claimed. The record `model.json` is written last: a version without it does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from complaints.aws.bucket import Bucket, ConflictError
from complaints.errors import FinalError

LATEST = "models/latest"


class NoModelError(FinalError, LookupError):
    """No model is in service, or the pointer names a version that does not exist."""


class ModelRefusedError(FinalError, ValueError):
    """The model must not serve: it is not the one that was evaluated, or it has no evaluation."""


@dataclass(frozen=True)
class ModelVersion:
    """The name and the keys of one version."""

    number: int

    @property
    def name(self) -> str:
        """The name in results and messages: `v3`."""
        return f"v{self.number}"

    @property
    def prefix(self) -> str:
        """The folder of the version."""
        return f"models/versioned/{self.name}/"

    @property
    def artifact_key(self) -> str:
        """The key of the trained model, as SageMaker packed it."""
        return f"{self.prefix}model.tar.gz"

    @property
    def record_key(self) -> str:
        """The key of the version's record: its origin, its checksum, its evaluation."""
        return f"{self.prefix}model.json"


def claim_version(bucket: Bucket, run_id: str) -> ModelVersion:
    """The version of a training run: the one that it claimed before, or the next free number."""
    number = 1
    while True:
        version = ModelVersion(number)
        key = f"{version.prefix}claim.json"
        try:
            bucket.write_json(key, {"run_id": run_id}, if_absent=True)
        except ConflictError:
            claim = bucket.read_json(key)
            if claim is None or claim["run_id"] != run_id:
                number += 1
                continue
        return version


def promote(bucket: Bucket, version: str) -> dict[str, Any]:
    """Points `models/latest` at `version`, once; the version that was in service before becomes `previous`.

    Raises:
        ConflictError: another promotion happened at the same time; this one changed nothing.
    """
    pointer, etag = bucket.read_json_and_etag(LATEST)
    if pointer and pointer["version"] == version:
        return dict(pointer)
    promoted = {"version": version, "previous": pointer["version"] if pointer else None}
    bucket.write_json(LATEST, promoted, if_absent=pointer is None, if_match=etag)
    return promoted


def model_in_service(bucket: Bucket) -> Mapping[str, Any]:
    """The record of the version that `models/latest` points at.

    Raises:
        NoModelError: there is no pointer, or the version that it names does not exist.
    """
    pointer = bucket.read_json(LATEST)
    if pointer is None:
        raise NoModelError(f"no model is in service: s3://{bucket.name}/{LATEST} is absent; run complaints_training")
    key = f"models/versioned/{pointer['version']}/model.json"
    record: Mapping[str, Any] | None = bucket.read_json(key)
    if record is None:
        raise NoModelError(f"{LATEST} points at {pointer['version']!r}, but s3://{bucket.name}/{key} is absent")
    return record


def check_artifact(bucket: Bucket, record: Mapping[str, Any]) -> None:
    """Checks that the artifact of a version is still the one that was evaluated, before a run uses it.

    Raises:
        ModelRefusedError: it is missing, it has another SHA-256, or the record is incomplete.
    """
    version = record["version"]
    if lacking := [name for name in ("artifact_uri", "sha256", "evaluation") if not record.get(name)]:
        raise ModelRefusedError(f"the record of {version} has no {', '.join(lacking)}: run complaints_training")
    check_digest(bucket, bucket.key(record["artifact_uri"]), record["sha256"], f"the record of {version}")


def check_digest(bucket: Bucket, key: str, sha256: str, witness: str) -> None:
    """Refuses a model whose bytes are not those that `witness` recorded.

    Raises:
        ModelRefusedError: it has another SHA-256, or is missing; the message has both digests.
    """
    found = bucket.sha256(key)
    if found != sha256:
        state = f"has SHA-256 {found}" if found else "is absent"
        raise ModelRefusedError(
            f"s3://{bucket.name}/{key} {state}, but {witness} says {sha256}: "
            "restore that object, or put another version into service"
        )


def check_evaluation(evaluation: Mapping[str, Any] | None, *, run_id: str, sha256: str) -> Mapping[str, Any]:
    """The evaluation of this run's model; a model without its own evaluation is not registered.

    Raises:
        ModelRefusedError: there is none, or it belongs to another run or to other bytes.
    """
    if evaluation is None:
        raise ModelRefusedError(f"run {run_id} has no evaluation.json: run evaluate_model again")
    for name, wanted in (("run_id", run_id), ("model_sha256", sha256)):
        if (found := evaluation.get(name)) != wanted:
            raise ModelRefusedError(
                f"evaluation.json has {name} {found!r}, but the trained model has {wanted!r}: run evaluate_model again"
            )
    return evaluation
