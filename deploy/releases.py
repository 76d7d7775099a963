"""Releases of the job code in S3: upload one, make one current.

`artifacts/latest.json` names the current release, which every new plan pins, and the one before it. It moves last, once
the objects are uploaded and the Glue jobs are updated, and only if no other deployment moved it in the meantime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from complaints.aws.bucket import Bucket, ConflictError
from complaints.settings import PipelineSettings
from deploy.artifacts import artifacts, job_files, release_name
from deploy.errors import ConcurrentDeployError
from deploy.infrastructure import of_settings

# The scripts of `include/glue` that are jobs.
SCRIPTS = ("audit_results.py", "compare_exports.py", "fetch_export.py", "prepare_complaints.py", "prepare_history.py")
CURRENT = "artifacts/latest.json"


@dataclass(frozen=True)
class Pointer:
    """`artifacts/latest.json` as it was read: its releases, and the ETag that a write has to match."""

    release: str | None
    previous: str | None
    etag: str | None


def put_release(clients: Mapping[str, Any], settings: PipelineSettings, include: Path) -> str:
    """Uploads the release of the folder `include` and makes it current; returns its name.

    Raises:
        ConcurrentDeployError: another deployment moved the pointer in the meantime.
    """
    bucket = Bucket(clients["s3"], settings.storage.bucket)
    before = pointer(bucket)
    files = job_files(include)
    release = release_name(files)
    for key, content in artifacts(files).items():
        bucket.client.put_object(Bucket=bucket.name, Key=f"artifacts/{release}/{key}", Body=content)
    of_settings(clients["cloudformation"], settings).jobs(release)
    move_pointer(bucket, release, before)
    return release


def pointer(bucket: Bucket) -> Pointer:
    """The current release and the one before it; None for each that there is not."""
    document, etag = bucket.read_json_and_etag(CURRENT)
    document = document or {}
    return Pointer(document.get("release"), document.get("previous"), etag)


def move_pointer(bucket: Bucket, release: str, before: Pointer) -> None:
    """Makes `release` current if the pointer is still as it was in `before`.

    Raises:
        ConcurrentDeployError: it is not.
    """
    previous = before.previous if before.release == release else before.release
    document = {"release": release, "previous": previous}
    try:
        bucket.write_json(CURRENT, document, if_absent=before.etag is None, if_match=before.etag)
    except ConflictError as error:
        now = pointer(bucket).release
        raise ConcurrentDeployError(
            f"another deployment made release {now} current while this one ran; release {release} is uploaded but not "
            f"current, and the Glue jobs may name either: deploy the one you want again"
        ) from error
