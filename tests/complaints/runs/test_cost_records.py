"""The record of a run's cost, from jobs as local AWS describes them."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.aws.job_kinds import TRAINING
from complaints.runs import cost_records, costs
from complaints.settings import load_settings

SETTINGS = load_settings()
BUCKET = SETTINGS.pipeline.storage.bucket
KEY = "ledger/costs/run_id=r1.json"


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    return Bucket(client, BUCKET)


def record(bucket: Bucket, **more: Any) -> Any:
    cost_records.record(bucket, "r1", SETTINGS, glue=more.get("glue", {}), sagemaker={"train-r1": TRAINING})
    return bucket.read_json(KEY)


def test_each_attempt_at_a_job_is_in_the_record(bucket: Bucket) -> None:
    sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    for attempt in (0, 1):
        sagemaker.create_training_job(
            TrainingJobName=f"train-r1-{attempt}",
            RoleArn="arn:aws:iam::123456789012:role/r",
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": "s3://b/o"},
            ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )
    described = [sagemaker.describe_training_job(TrainingJobName=f"train-r1-{attempt}") for attempt in (0, 1)]
    found = record(bucket)
    assert found["recorded"] == costs.cost_of(costs.of_jobs(described), SETTINGS.pipeline.prices)
    assert found["recorded"]["instance_seconds"].keys() == {"ml.m5.xlarge"}
    assert found["estimated"] is None


def test_a_cost_that_cannot_be_looked_up_fails_nothing_and_leaves_no_record(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    assert record(bucket, glue={"no-such-job": {}}) is None
    assert "the cost of run r1 is not recorded" in caplog.text
