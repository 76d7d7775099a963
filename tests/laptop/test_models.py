"""`make models` and the verbs that change what is in service, against S3 and SageMaker as moto has them."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.models import promotion, registry
from complaints.models.packages import APPROVED, REJECTED, Packages
from complaints.models.promotion import PromotionRefusedError
from laptop.inputs import InputError
from laptop.servers.airflow import ROOT
from laptop.verbs.models import Models

HOSTILE = 'it\'s a "test" $(touch owned) `touch owned` ; März'


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="complaints")
    return Bucket(client, "complaints")


@pytest.fixture
def models(bucket: Bucket) -> Models:
    """Two versions, of which the first is in service and the second was held back by the gate."""
    sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    packages = Packages(sagemaker, "complaints")
    held = {"verdict": "HOLD", "reasons": ["too few rows of mortgage"]}
    for number, members in ((1, {}), (2, {"verdict": held})):
        version = registry.ModelVersion(number)
        key = version.artifact_key
        bucket.client.put_object(Bucket="complaints", Key=key, Body=b"model")
        container = {"Image": "sklearn", "ModelDataUrl": f"s3://complaints/{key}"}
        role = "arn:aws:iam::123456789012:role/r"
        sagemaker.create_model(ModelName=version.name, PrimaryContainer=container, ExecutionRoleArn=role)
        slices = {"test": {"accuracy": 0.8512, "macro_f1": 0.79}, "newest": {"accuracy": 0.8}}
        record: dict[str, Any] = {"version": version.name, "model_name": version.name, "run_id": f"run-{number}"}
        record |= {"artifact_uri": f"s3://complaints/{key}", "sha256": hashlib.sha256(b"model").hexdigest()}
        record |= {"evaluation": {"classes": [], "slices": slices}, **members}
        bucket.write_json(version.record_key, record)
        packages.register(record)
    states = boto3.client("stepfunctions", region_name="us-east-1")
    found = Models(bucket, packages, states, lambda: datetime(2026, 11, 28, 10, tzinfo=UTC))
    found.promote("v1", "complaints_training", "", forced=False)
    return found


def test_the_list_says_what_is_in_service_by_whose_word_and_the_scores_and_verdicts_of_all(models: Models) -> None:
    lines = [*models.lines()]
    assert lines[0] == "v1 is in service since 2026-11-28T10:00:00+00:00, by complaints_training"
    rows = [line.split() for line in lines if line.startswith("  v")]
    assert rows == [
        ["version", "verdict", "approval", "accuracy", "macro-F1", "of", "newest", "run"],
        ["v1*", "Approved", "0.851", "0.790", "0.800", "run-1"],
        ["v2", "HOLD", "PendingManualApproval", "0.851", "0.790", "0.800", "run-2"],
    ]
    assert lines[-1] == "  2026-11-28T10:00:00+00:00  promote v1, by complaints_training"


def test_a_version_that_was_held_serves_once_it_is_approved_and_is_rolled_back(models: Models, bucket: Bucket) -> None:
    with pytest.raises(PromotionRefusedError, match="v2 awaits approval: make approve VERSION=v2"):
        models.promote("v2", "jane", "", forced=False)
    assert models.decide("v2", APPROVED, "jane", HOSTILE).endswith("put it into service: make promote VERSION=v2")
    assert models.promote("v2", "jane", HOSTILE, forced=False).endswith(f", by jane: {HOSTILE}")
    assert models.decide("v2", REJECTED, "jane", "bad").endswith("v2 is still in service: make rollback")
    assert models.promote("previous", "jane", "", forced=False).startswith("v1 is in service since")
    assert registry.model_in_service(bucket)["version"] == "v1"


def test_force_needs_a_reason_and_the_list_shows_both(models: Models) -> None:
    with pytest.raises(PromotionRefusedError, match="force needs a reason"):
        models.promote("v2", "jane", "", forced=True)
    models.promote("v2", "jane", "the auditor asks", forced=True)
    assert "  2026-11-28T10:00:00+00:00  promote v2, by jane, forced: the auditor asks" in [*models.lines()]


def test_without_a_version_it_is_asked_for(models: Models) -> None:
    with pytest.raises(InputError, match="name a version: make reject VERSION=v3"):
        models.decide("", REJECTED, "jane", "bad")


def test_with_no_model_the_list_says_how_to_get_one(bucket: Bucket) -> None:
    packages = Packages(boto3.client("sagemaker", region_name="us-east-1"), "complaints")
    states = boto3.client("stepfunctions", region_name="us-east-1")
    assert [*Models(bucket, packages, states, lambda: datetime.now(UTC)).lines()] == [
        "no model is in service; trigger complaints_training"
    ]
    assert promotion.read(bucket) == (None, None)


def test_make_passes_a_version_and_a_reason_as_they_are_and_runs_neither(tmp_path: Path) -> None:
    made = subprocess.run(
        ["make", "--no-print-directory", "-n", "-C", str(ROOT), "promote", f"VERSION={HOSTILE}", f"REASON={HOSTILE}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '--version="$VERSION" --reason="$REASON" --by="$BY"' in made.stdout
    assert "owned" not in made.stdout
