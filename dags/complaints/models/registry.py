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
VERSIONED = "models/versioned/"


class NoModelError(FinalError, LookupError):
    """No model is in service, or the pointer names a version that does not exist."""


class ModelRefusedError(FinalError, ValueError):
    """The model must not serve: it is not the one that was evaluated, or it has no evaluation."""


@dataclass(frozen=True)
class ModelVersion:
    """The name and the keys of one version."""

    number: int

    @classmethod
    def named(cls, name: str) -> ModelVersion:
        """The version of a name as in results and records: `v3`.

        Raises:
            ValueError: what follows the `v` is no number.
        """
        return cls(int(name.removeprefix("v")))

    @property
    def name(self) -> str:
        """The name in results and messages: `v3`."""
        return f"v{self.number}"

    @property
    def prefix(self) -> str:
        """The folder of the version."""
        return f"{VERSIONED}{self.name}/"

    @property
    def claim_key(self) -> str:
        """The key of the claim: the run that the version belongs to."""
        return f"{self.prefix}claim.json"

    @property
    def artifact_key(self) -> str:
        """The key of the model that serves, as SageMaker packed it."""
        return f"{self.prefix}model.tar.gz"

    @property
    def evaluated_key(self) -> str:
        """The key of the model that was evaluated, if the one that serves was refitted on all rows afterwards."""
        return f"{self.prefix}evaluated.tar.gz"

    @property
    def record_key(self) -> str:
        """The key of the version's record: its origin, its checksum, its evaluation."""
        return f"{self.prefix}model.json"


def claim_version(bucket: Bucket, run_id: str, after: str = "") -> ModelVersion:
    """The version of a training run: the one that it claimed before, or the next free number.

    `after`: a version that was there when the run was planned, like the one in service. The search begins behind it.
    """
    number = int(after.removeprefix("v")) + 1 if after.startswith("v") else 1
    while True:
        version = ModelVersion(number)
        key = version.claim_key
        try:
            bucket.write_json(key, {"run_id": run_id}, if_absent=True)
        except ConflictError:
            claim = bucket.read_json(key)
            if claim is None or claim["run_id"] != run_id:
                number += 1
                continue
        return version


def records(bucket: Bucket) -> list[dict[str, Any]]:
    """The records of all versions, oldest first; a claimed version without a record does not exist."""
    found = (bucket.read_json(each.key) for each in bucket.objects(VERSIONED) if each.key.endswith("/model.json"))
    return sorted((each for each in found if each), key=lambda record: ModelVersion.named(record["version"]).number)


def pointer(bucket: Bucket) -> tuple[Mapping[str, Any] | None, str | None]:
    """What `models/latest` holds, and its ETag; None and None before the first promotion.

    Raises:
        NoModelError: it holds something else than a pointer.
    """
    try:
        found, etag = bucket.read_json_and_etag(LATEST)
    except ValueError as error:
        raise _unreadable(bucket, f"is not JSON: {error}") from None
    if found is None:
        return None, None
    if not isinstance(found, Mapping) or not found.get("version"):
        raise _unreadable(bucket, f"names no version: {found!r}"[:200])
    return found, etag


def _unreadable(bucket: Bucket, problem: str) -> NoModelError:
    return NoModelError(
        f"s3://{bucket.name}/{LATEST} {problem}; copy the last of models/promotions/ there, or delete it and promote"
    )


def model_in_service(bucket: Bucket) -> Mapping[str, Any]:
    """The record of the version that `models/latest` points at.

    Raises:
        NoModelError: there is no pointer, it cannot be read, or the version that it names does not exist.
    """
    found, _ = pointer(bucket)
    if found is None:
        raise NoModelError(f"no model is in service: s3://{bucket.name}/{LATEST} is absent; run complaints_training")
    key = f"{VERSIONED}{found['version']}/model.json"
    record: Mapping[str, Any] | None = bucket.read_json(key)
    if record is None:
        raise NoModelError(f"{LATEST} points at {found['version']!r}, but s3://{bucket.name}/{key} is absent")
    return record


def model_in_service_if_any(bucket: Bucket) -> Mapping[str, Any] | None:
    """The same; None before the first promotion. A pointer that leads nowhere is an error here, too.

    Raises:
        NoModelError: the pointer cannot be read, or the version that it names does not exist.
    """
    return model_in_service(bucket) if pointer(bucket)[0] is not None else None


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
