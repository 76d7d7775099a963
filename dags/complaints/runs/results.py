"""The reader of published results: the manifests of the runs, and the files that they name.

A run is visible once its manifest exists. Read what a manifest names, and nothing else under `results/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.runs.publishing import manifest_key

_MANIFESTS = manifest_key("").removesuffix(".json")


class ChangedResultError(RuntimeError):
    """A published file no longer has the bytes that its manifest names."""


@dataclass(frozen=True)
class PublishedRun:
    """A run that was published, by its manifest."""

    manifest: dict[str, Any]
    published_at: str
    """The time of the manifest's only write, in ISO 8601 and UTC."""

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.manifest["run_id"])

    @property
    def number(self) -> int:
        """The number of the model's version: 3 for v3."""
        return int(self.manifest["model_version"][1:])

    @property
    def files(self) -> list[dict[str, Any]]:
        """The run's Parquet files in their order: `key`, `size`, `rows` and `sha256` of each."""
        return list(self.manifest["results"])


def published_runs(bucket: Bucket) -> Iterator[PublishedRun]:
    """Every published run, the newest first; each manifest is read when its turn comes."""
    listed = sorted(bucket.objects(_MANIFESTS), key=lambda each: (each.last_modified, each.key), reverse=True)
    for each in listed:
        if (manifest := bucket.read_json(each.key)) is not None:
            yield PublishedRun(manifest, each.last_modified)


def files_of(manifest: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The files that a run read, by URI and ETag."""
    return tuple(sorted((each["uri"], each["etag"]) for each in manifest["inputs"]))


def current_runs(bucket: Bucket, version: str = "") -> list[PublishedRun]:
    """The run to read for each set of files: that of the newest version, or of the `version` that is stated.

    Files that the stated version has not classified are left out. Newest publication first.
    """
    found: dict[tuple[tuple[str, str], ...], PublishedRun] = {}
    for run in published_runs(bucket):
        files = files_of(run.manifest)
        if version in ("", run.manifest["model_version"]) and (files not in found or run.number > found[files].number):
            found[files] = run
    return sorted(found.values(), key=lambda run: (run.published_at, run.run_id), reverse=True)


def published_run(bucket: Bucket, run_id: str) -> PublishedRun:
    """One published run.

    Raises:
        FileNotFoundError: it has no manifest, so nothing of it was published.
    """
    key = manifest_key(run_id)
    manifest = bucket.read_json(key)
    if manifest is None:
        raise FileNotFoundError(f"s3://{bucket.name}/{key} is absent: the run was not published")
    return PublishedRun(manifest, bucket.last_modified(key))


def download(bucket: Bucket, run: PublishedRun, folder: Path) -> list[Path]:
    """Downloads the files of a run into an existing folder, under their own names, and checks each against its SHA-256.

    Files of several runs may share a folder.

    Raises:
        ChangedResultError: a file is not what was published; it is not left in the folder.
    """
    paths = []
    for file in run.files:
        path = folder / Path(file["key"]).name
        bucket.client.download_file(bucket.name, file["key"], str(path))
        with path.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != file["sha256"]:
            path.unlink()
            raise ChangedResultError(
                f"s3://{bucket.name}/{file['key']} has SHA-256 {found}, but its manifest says {file['sha256']}: "
                "it was changed after it was published"
            )
        paths.append(path)
    return paths
