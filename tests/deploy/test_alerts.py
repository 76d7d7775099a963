"""The rule reports an execution that failed without a callback, and no failure is reported twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from deploy.alerts import put_uncaught_rule
from deploy.lambda_functions import handlers_archive, put_steps_function
from localaws import LocalAWS

SETTINGS = load_settings().pipeline
MISSING = {"Type": "Pass", "Parameters": {"a.$": "$.not.there"}, "End": True}
FAILS = {"Type": "Fail", "Error": "Glue.JobRunNotSucceeded", "Cause": "reported by the machine itself"}
WAITS = {"Type": "Wait", "Seconds": 30, "End": True}


@pytest.fixture
def aws(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[LocalAWS]:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    with local_aws(tmp_path, minute=0.5) as running:
        name = SETTINGS.aws.lambda_role_arn.rpartition("/")[2]
        running.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
        put_steps_function(running.client("lambda"), SETTINGS, handlers_archive())
        yield running


def machine(aws: LocalAWS, state: dict[str, Any]) -> str:
    definition = json.dumps({"StartAt": "only", "States": {"only": state}})
    create = aws.client("stepfunctions").create_state_machine
    arn: str = create(name="complaints_training", definition=definition, roleArn=SETTINGS.aws.states_role_arn)[
        "stateMachineArn"
    ]
    put_uncaught_rule(aws.client("events"), aws.client("lambda"), [arn])
    return arn


def inbox(aws: LocalAWS) -> str:
    sns, queues = aws.client("sns"), aws.client("sqs")
    sns.create_topic(Name=SETTINGS.aws.alerts_topic_arn.rpartition(":")[2])
    url: str = queues.create_queue(QueueName="inbox")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=SETTINGS.aws.alerts_topic_arn, Protocol="sqs", Endpoint=arn)
    return url


def messages(aws: LocalAWS, url: str, seconds: float) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if found:
            return [json.loads(each["Body"]) for each in found]
        time.sleep(0.1)
    return []


@pytest.mark.parametrize("end", ["runtime error", "aborted"])
def test_a_failure_that_no_catch_can_catch_is_reported(aws: LocalAWS, end: str) -> None:
    url, machines = inbox(aws), aws.client("stepfunctions")
    arn = machine(aws, MISSING if end == "runtime error" else WAITS)
    started = machines.start_execution(stateMachineArn=arn, name="run-1")["executionArn"]
    if end == "aborted":
        machines.stop_execution(executionArn=started)
    (message,) = messages(aws, url, 30)
    assert message["Subject"] == "complaints_training failed at the run"
    lines = message["Message"].splitlines()
    assert "Run: run-1" in lines
    expected = "Cause: Runtime: " if end == "runtime error" else "Cause: ABORTED: the execution ended as ABORTED"
    assert any(line.startswith(expected) for line in lines), lines


def test_a_failure_that_a_state_handled_is_not_reported_again(aws: LocalAWS) -> None:
    url = inbox(aws)
    aws.client("stepfunctions").start_execution(stateMachineArn=machine(aws, FAILS), name="run-1")
    assert messages(aws, url, 4) == []
