"""Releases of the job code in S3: upload one, make one current, go back to an earlier one.

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
from deploy.artifacts import ARCHIVES, artifacts, is_code, job_files, release_name
from deploy.errors import ConcurrentDeployError, ReleaseError
from deploy.infrastructure import of_settings

# The scripts of `include/glue` that are jobs.
SCRIPTS = ("audit_results.py", "compare_exports.py", "fetch_export.py", "prepare_complaints.py", "prepare_history.py")
CURRENT = "artifacts/latest.json"
_LISTED = 20  # releases that an error message names


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


def use_release(clients: Mapping[str, Any], settings: PipelineSettings, release: str) -> str | None:
    """Makes a release current that the bucket already holds; returns the one that was current before.

    Raises:
        ReleaseError: the release is not in the bucket, or not all of its objects are.
        ConcurrentDeployError: another deployment moved the pointer in the meantime.
    """
    bucket = Bucket(clients["s3"], settings.storage.bucket)
    before = pointer(bucket)
    _check_complete(bucket, release)
    of_settings(clients["cloudformation"], settings).jobs(release)
    move_pointer(bucket, release, before)
    return before.release


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


def releases(bucket: Bucket) -> list[str]:
    """The names of the complete releases in the bucket, the newest first."""
    last_upload: dict[str, Any] = {}
    paths: dict[str, set[str]] = {}
    for page in bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix="artifacts/"):
        for each in page.get("Contents", []):
            name, _, path = each["Key"].removeprefix("artifacts/").partition("/")
            paths.setdefault(name, set()).add(path)
            last_upload[name] = max(each["LastModified"], last_upload.get(name, each["LastModified"]))
    complete = [name for name, found in paths.items() if _required() <= found]
    return sorted(complete, key=lambda name: (last_upload[name], name), reverse=True)


def _required() -> set[str]:
    """The objects that Glue and SageMaker read, relative to the release's prefix."""
    return {*ARCHIVES, *(f"glue/{script}" for script in SCRIPTS)}


def _check_complete(bucket: Bucket, release: str) -> None:
    """Refuses a release whose files are not those that its name is the hash of."""
    prefix = f"artifacts/{release}/"
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=prefix)
    paths = {each["Key"].removeprefix(prefix) for page in pages for each in page.get("Contents", [])}
    where = f"s3://{bucket.name}/{prefix}"
    if not paths:
        raise ReleaseError(f"release {release!r} is not in s3://{bucket.name}/artifacts/; {_choice(bucket)}")
    if missing := sorted(_required() - paths):
        raise ReleaseError(f"release {release!r} lacks {', '.join(missing)} in {where}; {_choice(bucket)}")
    files = {path: _content(bucket, prefix + path) for path in paths if is_code(path)}
    if release_name(files) != release:
        raise ReleaseError(f"files of release {release!r} are missing or changed in {where}; {_choice(bucket)}")


def _content(bucket: Bucket, key: str) -> bytes:
    content: bytes = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    return content


def _choice(bucket: Bucket) -> str:
    """The end of an error message: the releases to choose from."""
    names = releases(bucket)
    if not names:
        return "the bucket holds no complete release: run `python -m deploy` without --release"
    older = f" and {len(names) - _LISTED} older" if len(names) > _LISTED else ""
    return f"choose one of {', '.join(names[:_LISTED])}{older} (the newest first)"
