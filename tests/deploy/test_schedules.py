"""The rules that start machines: the ingestion daily once somebody has switched it on, the monitoring by events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from complaints.settings import load_settings
from deploy.monitoring import MONITORING_RULE, put_monitoring_rule
from deploy.schedules import INGESTION_RULE, put_ingestion_schedule

SETTINGS = load_settings().pipeline
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:complaints_ingestion"


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield boto3.client("events", region_name="us-east-1")


def test_the_schedule_starts_the_machine_without_parameters_and_is_off_at_first(events: Any) -> None:
    put_ingestion_schedule(events, SETTINGS, MACHINE)
    rule = events.describe_rule(Name=INGESTION_RULE)
    assert (rule["State"], rule["ScheduleExpression"]) == ("DISABLED", "cron(0 11 * * ? *)")
    (target,) = events.list_targets_by_rule(Rule=INGESTION_RULE)["Targets"]
    assert (target["Arn"], target["Input"]) == (MACHINE, "{}")
    assert target["RoleArn"] == SETTINGS.aws.states_role_arn


def test_deploying_again_leaves_it_on(events: Any) -> None:
    put_ingestion_schedule(events, SETTINGS, MACHINE)
    events.enable_rule(Name=INGESTION_RULE)
    put_ingestion_schedule(events, SETTINGS, MACHINE)
    assert events.describe_rule(Name=INGESTION_RULE)["State"] == "ENABLED"


def test_each_manifest_starts_the_monitoring_with_its_key(events: Any) -> None:
    for _ in range(2):
        put_monitoring_rule(events, SETTINGS, MACHINE)
    rule = events.describe_rule(Name=MONITORING_RULE)
    pattern = json.loads(rule["EventPattern"])
    assert rule["State"] == "ENABLED"
    assert pattern["detail"]["object"]["key"] == [{"prefix": "manifests/run_id="}]
    assert pattern["detail"]["bucket"]["name"] == [SETTINGS.storage.bucket]
    (target,) = events.list_targets_by_rule(Rule=MONITORING_RULE)["Targets"]
    assert (target["Arn"], target["RoleArn"]) == (MACHINE, SETTINGS.aws.states_role_arn)
    transformer = target["InputTransformer"]
    assert (transformer["InputPathsMap"], transformer["InputTemplate"]) == (
        {"key": "$.detail.object.key"},
        '{"run_id": <key>}',
    )
