"""Functions are created although their role is new, and one starter runs at a time."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from complaints.settings import load_settings
from deploy.artifacts import zipped
from deploy.errors import QuotaError, RoleError
from deploy.lambda_functions import put_function
from deploy.starter import put_starter, rules
from deploy.state_machines import put_state_machines
from localaws import LocalAWS

SETTINGS = load_settings().pipeline
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:complaints_classification"
CODE = zipped({"handler.py": b"def run(event, context):\n    return event\n"})


def create_role(aws: LocalAWS, arn: str) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    aws.client("iam").create_role(RoleName=arn.rpartition("/")[2], AssumeRolePolicyDocument=document)


def put_handler(aws: LocalAWS, role_seconds: float) -> None:
    put_function(
        aws.client("lambda"),
        "handler",
        CODE,
        role_seconds=role_seconds,
        Handler="handler.run",
        Role=SETTINGS.aws.lambda_role_arn,
    )


def test_a_function_is_created_once_lambda_can_assume_its_role(aws: LocalAWS) -> None:
    later = threading.Timer(1.0, create_role, (aws, SETTINGS.aws.lambda_role_arn))
    later.start()
    put_handler(aws, 30)
    later.join()
    assert [each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]] == ["handler"]


def test_a_role_that_lambda_cannot_assume_is_named(aws: LocalAWS) -> None:
    with pytest.raises(RoleError, match=rf"could not assume {SETTINGS.aws.lambda_role_arn} for 0 s; create the role"):
        put_handler(aws, 0)


@pytest.fixture
def clients(aws: LocalAWS) -> dict[str, Any]:
    """The clients that the starter needs, its role and its queue."""
    create_role(aws, SETTINGS.aws.lambda_role_arn)
    aws.client("sqs").create_queue(QueueName=SETTINGS.aws.dead_letter_queue_arn.rpartition(":")[2])
    return {name: aws.client(name) for name in ("lambda", "events", "s3", "sqs")}


def test_one_starter_runs_at_a_time(clients: dict[str, Any]) -> None:
    put_starter(clients, SETTINGS, MACHINE, CODE)
    concurrency = clients["lambda"].get_function_concurrency(FunctionName="ptmlops-starter")
    assert concurrency["ReservedConcurrentExecutions"] == 1


def test_without_concurrency_to_reserve_the_error_names_the_quota_and_all_else_is_deployed(
    clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # moto refuses as Lambda does: 100 of the quota must stay unreserved.
    monkeypatch.setenv("MOTO_LAMBDA_CONCURRENCY_QUOTA", "100")
    with pytest.raises(QuotaError, match="request at least 101 for AWS Lambda's 'Concurrent executions'"):
        put_starter(clients, SETTINGS, MACHINE, CODE)
    assert {each["Name"] for each in clients["events"].list_rules()["Rules"]} == set(rules(SETTINGS, MACHINE))


def test_an_update_gives_a_state_machine_the_role_of_the_settings(aws: LocalAWS) -> None:
    client = aws.client("stepfunctions")
    put_state_machines(client, SETTINGS)
    role = "arn:aws:iam::123456789012:role/other-states"
    machines = put_state_machines(
        client, SETTINGS.model_copy(update={"aws": SETTINGS.aws.model_copy(update={"states_role_arn": role})})
    )
    assert {client.describe_state_machine(stateMachineArn=arn)["roleArn"] for arn in machines.values()} == {role}
