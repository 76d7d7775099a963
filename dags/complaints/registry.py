"""The versions of the model: `models/versioned/vN/`, and the pointer `models/latest` to the one in service.

A version is claimed by one conditional write, so that two trainings never share a number and a retry finds
the number that it had claimed. Its record `model.json` is written last: without it there is no version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from complaints.storage import Bucket, ConflictError

LATEST = "models/latest"


class NoModelError(LookupError):
    """No model is in service, or the pointer names one that is not there."""


@dataclass(frozen=True)
class ModelVersion:
    """The place of one version."""

    number: int

    @property
    def name(self) -> str:
        """As people say it and results carry it: `v3`."""
        return f"v{self.number}"

    @property
    def prefix(self) -> str:
        """The folder of the version."""
        return f"models/versioned/{self.name}/"

    @property
    def artifact_key(self) -> str:
        """The trained model, as SageMaker packed it."""
        return f"{self.prefix}model.tar.gz"

    @property
    def record_key(self) -> str:
        """What is known of the version: where it comes from, its checksum, its evaluation."""
        return f"{self.prefix}model.json"


def claim_version(bucket: Bucket, run_id: str) -> ModelVersion:
    """The version of the training run `run_id`: the one that it claimed before, or the next free number."""
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
    """Points `models/latest` at `version`, once; what was in service before is kept as `previous`.

    Raises:
        ConflictError: another promotion came in between; nothing was changed.
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
        NoModelError: there is no pointer, or no version where it points.
    """
    pointer = bucket.read_json(LATEST)
    if pointer is None:
        raise NoModelError(f"no model is in service: s3://{bucket.name}/{LATEST} is absent; run complaints_training")
    key = f"models/versioned/{pointer['version']}/model.json"
    record: Mapping[str, Any] | None = bucket.read_json(key)
    if record is None:
        raise NoModelError(f"{LATEST} points at {pointer['version']!r}, but s3://{bucket.name}/{key} is absent")
    return record
