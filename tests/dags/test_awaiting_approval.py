"""Airflow 3.0 asks by a message and waits for nobody; complaints_promotion goes on once somebody has approved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from airflow.providers.standard.version_compat import AIRFLOW_V_3_1_PLUS
from operators.approval import ApprovalOperator

from complaints.aws.bucket import Bucket
from complaints.models import promotion, registry
from complaints.models.packages import APPROVED, Packages
from complaints.settings import load_settings
from complaints.tasks import approval
from complaints.tasks.promotion import move_pointer, plan_promotion
from tests.dags.local_aws import CREDENTIALS, PYTHON, ROLE, local_aws

SETTINGS = load_settings().pipeline
VERSION = registry.ModelVersion(3)

pytestmark = [
    pytest.mark.skipif(AIRFLOW_V_3_1_PLUS, reason="this Airflow waits for the answer: tests/system"),
    pytest.mark.skipif(not PYTHON.exists(), reason="local AWS needs the environment 'jobs': make test makes it"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.fixture
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    """The registry of a local AWS, with a version that passed the gate and awaits approval."""
    with local_aws(tmp_path_factory.mktemp("aws")) as account, pytest.MonkeyPatch.context() as environment:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": account.endpoint}.items():
            environment.setenv(name, value)
        bucket = Bucket(account.s3, SETTINGS.storage.bucket)
        account.s3.create_bucket(Bucket=bucket.name)
        account.client("sns").create_topic(Name=SETTINGS.aws.alerts_topic_arn.rpartition(":")[2])
        account.s3.put_object(Bucket=bucket.name, Key=VERSION.artifact_key, Body=b"model")
        uri = f"s3://{bucket.name}/{VERSION.artifact_key}"
        record = {"version": VERSION.name, "model_name": "complaints-v3", "artifact_uri": uri, "run_id": "r"}
        record |= {"release": "r1", "sha256": hashlib.sha256(b"model").hexdigest(), "evaluation": {"classes": ["card"]}}
        record |= {"verdict": {"verdict": "PROMOTE", "reasons": [], "gate": {"approval": "person"}}}
        bucket.write_json(VERSION.record_key, record)
        container = {"Image": "sklearn", "ModelDataUrl": uri}
        account.sagemaker.create_model(ModelName="complaints-v3", PrimaryContainer=container, ExecutionRoleArn=ROLE)
        found = Packages(account.sagemaker, bucket.name)
        found.register(record)
        yield found


def test_the_run_ends_at_awaiting_approval_and_the_promotion_goes_on_after_it(packages: Packages) -> None:
    asks = ApprovalOperator(task_id="approve", version=VERSION.name, response_timeout=timedelta(hours=1))
    assert asks.execute({}) is None
    # The task after it ends the run here.
    assert not approval.is_approved(VERSION.name)
    with pytest.raises(promotion.PromotionRefusedError, match="v3 awaits approval: make approve VERSION=v3"):
        plan_promotion(VERSION.name, promotion.PROMOTE, "jane")

    packages.decide(VERSION.name, APPROVED, promotion.decision("jane", "2026-11-28T10:00:00+00:00"))
    assert move_pointer(plan_promotion(VERSION.name, promotion.PROMOTE, "jane"))["version"] == VERSION.name
