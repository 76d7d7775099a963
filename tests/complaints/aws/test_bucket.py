"""What counts as the output of a job, and what a version of an object is."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.aws.objects import ObjectVersion, has_control_characters, known_version

NAME = "bucket"


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=NAME)
    return Bucket(s3, NAME)


def put(bucket: Bucket, key: str, body: bytes = b"{}") -> Any:
    return bucket.client.put_object(Bucket=NAME, Key=key, Body=body)


OUTPUT = f"s3://{NAME}/processed/run_id=1/account/"


@pytest.mark.parametrize(
    "marker",
    [
        ("processed/run_id=1/account/", b""),
        ("processed/run_id=1/account/part-0.txt", b""),
        ("processed/run_id=1/account/_temporary/0/part-0.txt", b"{}"),
        ("processed/run_id=1/account/_SUCCESS", b"x"),
        ("processed/run_id=1/account/.part-0.txt.crc", b"crc"),
        ("processed/run_id=1/account/_temporary/0/_temporary/attempt_1/part-0.txt", b"half"),
        ("processed/run_id=1/accounts/part-0.txt", b"{}"),
    ],
)
def test_a_marker_of_a_write_that_did_not_end_is_no_output(bucket: Bucket, marker: tuple[str, bytes]) -> None:
    put(bucket, *marker)
    assert not bucket.has_objects(OUTPUT)
    put(bucket, "processed/run_id=1/account/part-00000.txt")
    assert bucket.has_objects(OUTPUT)


def test_the_prefix_itself_may_have_folders_that_begin_with_an_underscore(bucket: Bucket) -> None:
    put(bucket, "_mine/.deep/account/part-0.txt")
    assert bucket.has_objects(f"s3://{NAME}/_mine/.deep/account/")


def test_output_is_seen_behind_many_markers(bucket: Bucket) -> None:
    for number in range(30):
        put(bucket, f"processed/run_id=1/account/_temporary/{number}", b"x")
    put(bucket, "processed/run_id=1/account/part-0.txt")
    assert bucket.has_objects(OUTPUT)


def test_the_output_may_be_one_object(bucket: Bucket) -> None:
    put(bucket, "processed/run_id=1/evaluation/evaluation.json")
    assert bucket.has_objects(f"s3://{NAME}/processed/run_id=1/evaluation/evaluation.json")


@pytest.mark.parametrize("versioned", [False, True])
def test_a_listing_and_a_look_at_one_object_give_the_same_version(bucket: Bucket, versioned: bool) -> None:
    put(bucket, "raw/a.csv", b"before the bucket kept versions")
    if versioned:
        bucket.client.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
        put(bucket, "raw/b.csv", b"old")
    answer = put(bucket, "raw/b.csv", b"new")
    before, listed = bucket.current_versions("raw/")
    looked = bucket.current_version("raw/b.csv")
    assert looked is not None
    assert looked.is_the_same_as(listed)
    assert (listed.size, listed.last_modified[:19]) == (3, looked.last_modified[:19])
    assert listed.version_id == (answer["VersionId"] if versioned else "")
    assert before.version_id == ""
    assert bucket.current_version("raw/nothing.csv") is None


@pytest.mark.parametrize(("given", "known"), [(None, ""), ("null", ""), ("", ""), ("3sL4kqtJ", "3sL4kqtJ")])
def test_null_is_no_version(given: str | None, known: str) -> None:
    assert known_version(given) == known


def test_two_versions_are_the_same_whatever_is_known_of_their_time() -> None:
    assert ObjectVersion("k", "e", 1).is_the_same_as(ObjectVersion("k", "e", 1, "2026-01-01T00:00:00+00:00"))
    assert not ObjectVersion("k", "e", 1, version_id="1").is_the_same_as(ObjectVersion("k", "e", 1, version_id="2"))


@pytest.mark.parametrize(
    ("key", "expected"), [("raw/ä 投诉.csv", False), ("raw/a\n.csv", True), ("raw/\x9b.csv", True)]
)
def test_control_characters_are_found(key: str, expected: bool) -> None:
    assert has_control_characters(key) == expected
