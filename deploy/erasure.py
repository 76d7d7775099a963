"""Erasing a complaint: everything that the flows wrote about it, in every version, and a record that it was done.

    PYTHONPATH=dags python -m deploy.erasure --id 1234567 --by NAME --reason "request 17" [--apply]

Without `--apply` it only reports. It changes `processed/`, `quarantine/`, `results/` with its manifests, `shadow/` and
`monitoring/`. The files under `raw/`, `history/` and `exports/` are yours: the report names those that hold the
complaint, by record, and the model versions that were trained on it. The record is `ledger/erasures/<time>-<id>.json`.

Objects are rewritten one by one, so a crash leaves some undone: run it again. Run it while no flow is running.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pyarrow.compute as pc
import pyarrow.parquet as pq

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.settings import load_settings

RECORDS = "ledger/erasures/"
_WRITTEN = ("processed/", "quarantine/", "shadow/", "monitoring/")
_RESULTS = "results/"
_IDS = re.compile(r"[0-9A-Za-z-]{1,64}")


class ErasureError(ValueError):
    """Nothing can be erased by what was asked for; the message says what would be right."""


@dataclass
class Erasure:
    """What was found of a complaint: objects with the number of its rows, places in users' files, and models."""

    complaint_id: str
    objects: dict[str, int] = field(default_factory=dict)
    places: set[tuple[str, int]] = field(default_factory=set)
    models: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """As JSON, in a fixed order."""
        return {
            "complaint_id": self.complaint_id,
            "objects": dict(sorted(self.objects.items())),
            "still_in_your_files": [{"source": uri, "record": record} for uri, record in sorted(self.places)],
            "trained_models": self.models,
        }


def erase(bucket: Bucket, complaint_id: str, *, apply: bool) -> Erasure:
    """Finds a complaint, and with `apply` removes it from all that the flows wrote.

    Raises:
        ErasureError: it is no id of a complaint.
    """
    if not _IDS.fullmatch(complaint_id):
        raise ErasureError(f"{complaint_id!r} is no complaint id: digits, or letters, digits and hyphens")
    found = Erasure(complaint_id)
    for prefix in _WRITTEN:
        for key in [each.key for each in bucket.objects(prefix) if each.size]:
            _without(bucket, key, found, apply=apply)
    trained = {key.split("/")[1].removeprefix("run_id=") for key in found.objects if "/rows/use=" in key}
    found.models = [each["version"] for each in registry.records(bucket) if each.get("run_id") in trained]
    for each in list(bucket.objects("manifests/run_id=")):
        _republish(bucket, each.key, found, apply=apply)
    return found


def _without(bucket: Bucket, key: str, found: Erasure, *, apply: bool) -> None:
    """Notes the complaint's rows in an object, and with `apply` writes the object without them."""
    content = _content(bucket, key)
    left = _parquet_without(content, found) if key.endswith(".parquet") else _lines_without(content, found.complaint_id)
    if left is None:
        return
    content_left, rows = left
    found.objects[key] = rows
    if apply:
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=content_left)
        _forget(bucket, key)


def _parquet_without(content: bytes, found: Erasure) -> tuple[bytes, int] | None:
    """The file without the complaint's rows, and their number; None where it has none."""
    file = pq.ParquetFile(io.BytesIO(content))
    if "complaint_id" not in file.schema_arrow.names:
        return None
    table = file.read()
    is_it = pc.fill_null(pc.equal(table["complaint_id"], found.complaint_id), False)
    rows = table.filter(is_it)
    if not rows.num_rows:
        return None
    if {"source", "record"} <= set(rows.column_names):
        places = rows.select(["source", "record"]).to_pylist()
        found.places |= {(place["source"], place["record"]) for place in places}
    written = io.BytesIO()
    pq.write_table(table.filter(pc.invert(is_it)), written)
    return written.getvalue(), rows.num_rows


def _lines_without(content: bytes, complaint_id: str) -> tuple[bytes, int] | None:
    """JSON Lines without those of the complaint; a line of the quarantine counts if its raw text names the id."""
    lines = content.splitlines(keepends=True)
    left = [line for line in lines if not _is_of(line, complaint_id)]
    return (b"".join(left), len(lines) - len(left)) if len(left) < len(lines) else None


def _is_of(line: bytes, complaint_id: str) -> bool:
    if complaint_id.encode() not in line:
        return False
    try:
        document = json.loads(line)
    except ValueError:
        return False
    if not isinstance(document, Mapping):
        return False
    named = re.search(rf"(?<![\w-]){re.escape(complaint_id)}(?![\w-])", str(document.get("raw") or ""))
    return document.get("complaint_id") == complaint_id or named is not None


def _republish(bucket: Bucket, key: str, found: Erasure, *, apply: bool) -> None:
    """Writes a run's published files without the complaint, under the names of their new content, and its manifest.

    Readers see the old manifest with the old files, or the new one with the new files. The account stays as it was when
    the run was published; `erased` counts what is gone since.
    """
    manifest, etag = bucket.read_json_and_etag(key)
    gone, results = [], []
    for file in (manifest or {}).get("results", []):
        left = _parquet_without(_content(bucket, file["key"]), found)
        results.append(file)
        if left is None:
            continue
        content, rows = left
        found.objects[file["key"]] = rows
        gone.append(file["key"])
        digest = hashlib.sha256(content).hexdigest()
        name = re.sub(r"[0-9a-f]{16}\.parquet$", f"{digest[:16]}.parquet", file["key"])
        results[-1] = {"key": name, "size": len(content), "rows": file["rows"] - rows, "sha256": digest}
        if apply:
            bucket.client.put_object(Bucket=bucket.name, Key=name, Body=content, IfNoneMatch="*")
    if gone and manifest and apply:
        erased = manifest.get("erased", 0) + sum(found.objects[each] for each in gone)
        bucket.write_json(key, {**manifest, "results": results, "erased": erased}, if_match=etag)
        for each in gone:
            bucket.client.delete_object(Bucket=bucket.name, Key=each)
            _forget(bucket, each, also_current=True)


def _forget(bucket: Bucket, key: str, *, also_current: bool = False) -> None:
    """Deletes the earlier versions of an object for good."""
    pages = bucket.client.get_paginator("list_object_versions").paginate(Bucket=bucket.name, Prefix=key)
    for version in _versions(pages, key):
        if also_current or not version["IsLatest"]:
            bucket.client.delete_object(Bucket=bucket.name, Key=key, VersionId=version["VersionId"])


def _versions(pages: Any, key: str) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            if each["Key"] == key:
                yield each


def _content(bucket: Bucket, key: str) -> bytes:
    content: bytes = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    return content


def record(bucket: Bucket, found: Erasure, *, by: str, reason: str, at: datetime) -> str:
    """Writes the record of an erasure; returns its key."""
    key = f"{RECORDS}{at:%Y%m%dT%H%M%SZ}-{found.complaint_id}.json"
    bucket.write_json(key, {**found.report(), "by": by, "reason": reason, "at": at.isoformat()})
    return key


def main(arguments: Sequence[str] | None = None) -> int:
    """Reports, or erases; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.erasure", description=__doc__)
    parser.add_argument("--id", required=True, help="the complaint's id")
    parser.add_argument("--by", required=True, help="who erases it")
    parser.add_argument("--reason", required=True, help="why, for instance the number of the request")
    parser.add_argument("--bucket", default="", help="the environment's bucket, if not that of the settings")
    parser.add_argument("--apply", action="store_true", help="erase; without it, only report")
    options = parser.parse_args(arguments)
    pipeline = load_settings().pipeline
    name = options.bucket or pipeline.storage.bucket
    bucket = Bucket(boto3.client("s3", region_name=pipeline.aws.region), name)
    try:
        found = erase(bucket, options.id, apply=options.apply)
    except ErasureError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found.report(), indent=2))
    if options.apply:
        key = record(bucket, found, by=options.by, reason=options.reason, at=datetime.now(UTC))
        print(f"recorded in s3://{bucket.name}/{key}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
