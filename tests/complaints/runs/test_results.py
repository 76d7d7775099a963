"""Reading published results: by manifest, the newest run first, and no changed file."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.runs import results

NAME = "bucket"


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=NAME)
    return Bucket(s3, NAME)


def publish(bucket: Bucket, run_id: str, *contents: bytes) -> dict[str, Any]:
    files = []
    for position, content in enumerate(contents):
        key = f"results/run_id={run_id}/part-{position}.parquet"
        bucket.client.put_object(Bucket=NAME, Key=key, Body=content)
        sha256 = hashlib.sha256(content).hexdigest()
        files.append({"key": key, "size": len(content), "rows": 1, "sha256": sha256})
    manifest = {"run_id": run_id, "results": files}
    bucket.write_json(f"manifests/run_id={run_id}.json", manifest)
    return manifest


def test_published_runs_come_newest_first_and_planned_ones_do_not_count(bucket: Bucket) -> None:
    publish(bucket, "b", b"1")
    time.sleep(1.1)  # S3's clock has seconds
    publish(bucket, "a", b"2")
    bucket.write_json("manifests/planned/run_id=c.json", {"run_id": "c"})
    found = list(results.published_runs(bucket))
    assert [each.run_id for each in found] == ["a", "b"]
    assert found[0].published_at > found[1].published_at
    assert found[0].files[0]["key"] == "results/run_id=a/part-0.parquet"


def test_only_the_files_that_the_manifest_names_are_read_in_its_order(bucket: Bucket, tmp_path: Path) -> None:
    publish(bucket, "a", b"first", b"second")
    bucket.client.put_object(Bucket=NAME, Key="results/run_id=a/stray.parquet", Body=b"stray")
    paths = results.download(bucket, results.published_run(bucket, "a"), tmp_path)
    assert [path.read_bytes() for path in paths] == [b"first", b"second"]
    assert sorted(tmp_path.iterdir()) == paths


def test_a_changed_file_is_refused_and_not_left_behind(bucket: Bucket, tmp_path: Path) -> None:
    manifest = publish(bucket, "a", b"first", b"second")
    bucket.client.put_object(Bucket=NAME, Key=manifest["results"][1]["key"], Body=b"changed")
    with pytest.raises(results.ChangedResultError, match=r"part-1\.parquet has SHA-256 .* its manifest says"):
        results.download(bucket, results.published_run(bucket, "a"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["part-0.parquet"]


def test_a_run_without_a_manifest_was_not_published(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError, match=r"manifests/run_id=x\.json is absent: the run was not published"):
        results.published_run(bucket, "x")


def test_the_current_run_of_the_same_files_is_that_of_the_newest_version_or_of_the_stated_one(bucket: Bucket) -> None:
    for run_id, file, version in (("a2", "a", "v2"), ("a10", "a", "v10"), ("a9", "a", "v9"), ("b9", "b", "v9")):
        inputs = [{"uri": f"s3://bucket/raw/{file}.csv", "etag": "e"}]
        manifest = {"run_id": run_id, "model_version": version, "inputs": inputs, "results": []}
        bucket.write_json(f"manifests/run_id={run_id}.json", manifest)
    assert {each.run_id for each in results.current_runs(bucket)} == {"a10", "b9"}
    assert {each.run_id for each in results.current_runs(bucket, "v9")} == {"a9", "b9"}
    assert {each.run_id for each in results.current_runs(bucket, "v2")} == {"a2"}
