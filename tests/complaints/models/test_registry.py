"""Versions and the pointer, against S3's conditional writes as local AWS has them."""

from __future__ import annotations

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.models import registry


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="models")
    return Bucket(client, "models")


def register(bucket: Bucket, run_id: str) -> str:
    version = registry.claim_version(bucket, run_id)
    bucket.write_json(version.record_key, {"version": version.name, "model_name": f"complaints-{version.name}"})
    return version.name


def test_versions_count_up_and_a_retry_gets_the_number_it_had(bucket: Bucket) -> None:
    assert [register(bucket, run) for run in ("run-a", "run-b", "run-a", "run-c")] == ["v1", "v2", "v1", "v3"]


def test_the_search_for_a_number_begins_behind_the_version_that_was_in_service(bucket: Bucket) -> None:
    for run in ("run-a", "run-b", "run-c"):
        register(bucket, run)
    bucket.client.delete_object(Bucket=bucket.name, Key=registry.ModelVersion(1).claim_key)
    # Without asking about v1, whose claim is gone, and which is not given away again.
    assert registry.claim_version(bucket, "run-d", after="v2").name == "v4"
    assert registry.claim_version(bucket, "run-c", after="v2").name == "v3"
    assert registry.claim_version(bucket, "the first", after="none").name == "v1"


def test_the_records_of_the_versions_come_in_their_order_without_those_that_were_only_claimed(bucket: Bucket) -> None:
    for run in range(11):
        register(bucket, f"run-{run}")
    registry.claim_version(bucket, "a run that goes on")
    assert [each["version"] for each in registry.records(bucket)][-3:] == ["v9", "v10", "v11"]


def test_without_a_model_in_service_it_is_said_what_to_run(bucket: Bucket) -> None:
    with pytest.raises(registry.NoModelError, match="run complaints_training"):
        registry.model_in_service(bucket)


def test_a_pointer_to_a_version_that_is_not_there_is_refused(bucket: Bucket) -> None:
    bucket.write_json(registry.LATEST, {"version": "v7", "previous": None})
    with pytest.raises(registry.NoModelError, match=r"points at 'v7'.*models/versioned/v7/model\.json is absent"):
        registry.model_in_service(bucket)


def test_a_uri_of_another_bucket_is_refused(bucket: Bucket) -> None:
    with pytest.raises(ValueError, match="'s3://other/x' is not in this environment's bucket"):
        bucket.key("s3://other/x")


def test_the_checksum_is_that_of_the_bytes(bucket: Bucket) -> None:
    import hashlib

    content = b"model" * 500_000
    bucket.client.put_object(Bucket="models", Key="m", Body=content)
    assert bucket.sha256("m") == hashlib.sha256(content).hexdigest()
