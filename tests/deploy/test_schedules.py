"""The ingestion runs daily with Step Functions, too, once somebody has switched it on, and stays as it was switched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from complaints.settings import load_settings
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
