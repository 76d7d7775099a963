"""Transforms that outlive their limit are counted, each hour, and named in the log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.sagemaker.models import sagemaker_backends

from complaints.settings import load_settings
from complaints.tasks.overdue import overdue_transforms
from stepfunctions.handlers.steps import run_step

LIMIT = load_settings().pipeline.sagemaker.transform.max_runtime_seconds


def transform(name: str, hours: float, status: str = "InProgress") -> None:
    """A transform job that was created so many hours ago."""
    uri = "s3://bucket/a/"
    boto3.client("sagemaker", region_name="us-east-1").create_transform_job(
        TransformJobName=name,
        ModelName="model",
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}},
        TransformOutput={"S3OutputPath": uri},
        TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    )
    job: Any = sagemaker_backends["123456789012"]["us-east-1"].transform_jobs[name]
    job.creation_time = datetime.now(UTC) - timedelta(hours=hours)
    job.transform_job_status = status


@pytest.mark.usefixtures("in_memory_aws")
def test_those_of_ours_that_run_for_longer_than_the_limit_are_counted_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    late = LIMIT / 3600 + 1
    transform("complaints-classify-late-0", late)
    transform("complaints-classify-new-0", 0.1)
    transform("complaints-classify-done-0", late, "Completed")
    transform("another", late)
    with caplog.at_level(logging.WARNING):
        assert overdue_transforms() == {"overdue_transforms": 1}
    (message,) = (record.message for record in caplog.records if "transform" in record.message)
    assert message.startswith("the transform job complaints-classify-late-0 has run for more than ")


@pytest.mark.usefixtures("in_memory_aws")
def test_the_rule_of_the_template_calls_it_and_its_metric_is_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"function": "complaints.tasks.overdue.overdue_transforms", "arguments": {}}
    assert run_step(event, None) == {"overdue_transforms": 0}
    assert '"OverdueTransforms": 0' in capsys.readouterr().out
