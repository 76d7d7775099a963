"""Promotion, rollback and the approval by a person as state machines on local AWS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import approval, promotion, registry
from complaints.models.packages import APPROVED, PENDING, REJECTED, Packages
from complaints.settings import load_settings
from deploy.local import deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from localaws import LocalAWS
from tests.parity.house import LocalClients
from tests.waiting import until

SETTINGS = load_settings().pipeline
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Machines:
    """The deployed state machines, and a bucket with three versions of which none is in service."""

    def __init__(self, aws: LocalAWS) -> None:
        self.aws = aws
        clients = LocalClients(aws).clients()
        deploy_infrastructure(SETTINGS, clients)
        self.client = aws.client("stepfunctions")
        self.arns = deploy_pipeline(SETTINGS, clients, starts=False)
        self.bucket = Bucket(aws.client("s3"), SETTINGS.storage.bucket)
        for number in (1, 2, 3):
            self.register(number)

    def register(self, number: int) -> None:
        version = registry.ModelVersion(number)
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=version.artifact_key, Body=b"model")
        record = {"version": version.name, "artifact_uri": f"s3://{self.bucket.name}/{version.artifact_key}"}
        record |= {"run_id": "r", "sha256": hashlib.sha256(b"model").hexdigest(), "evaluation": {"classes": ["card"]}}
        self.bucket.write_json(version.record_key, record)

    def run(self, **given: Any) -> dict[str, Any]:
        started = self.client.start_execution(
            stateMachineArn=self.arns["complaints_promotion"], input=json.dumps({"by": "jane", **given})
        )
        arn = started["executionArn"]
        until(lambda: self.client.describe_execution(executionArn=arn)["status"] in ENDED, "the end of the promotion")
        described: dict[str, Any] = self.client.describe_execution(executionArn=arn)
        return described


@pytest.fixture(scope="module")
def machines(local_aws: type[LocalAWS], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with local_aws(tmp_path_factory.mktemp("promotion"), forks=True) as aws:
        yield Machines(aws)


def test_a_machine_promotes_rolls_back_and_refuses_as_the_dag_does(machines: Machines) -> None:
    for version in ("v1", "v2", "v3"):
        assert machines.run(version=version, reason="better")["status"] == "SUCCEEDED"
    assert machines.run(version="v1", action="shadow")["status"] == "SUCCEEDED"
    assert machines.run(version="previous", reason="too many loans")["status"] == "SUCCEEDED"
    pointer, _ = promotion.read(machines.bucket)
    assert pointer is not None
    assert (pointer["version"], pointer["by"], pointer["reason"]) == ("v2", "jane", "too many loans")
    assert pointer["shadow"] is not None
    assert pointer["shadow"]["version"] == "v1"

    refused = machines.run(version="v9")
    assert (refused["status"], refused["error"]) == ("FAILED", "PromotionRefusedError")
    assert "there is no version v9; there are: v1, v2, v3" in refused["cause"]
    assert promotion.read(machines.bucket)[0] == pointer
    actions = [each["last_change"]["action"] for each in promotion.history(machines.bucket)]
    assert actions == ["promote", "promote", "promote", "shadow", "roll back"]


def waiting(seconds: int) -> dict[str, Any]:
    """The state that the compiler makes of an approval (tests/stepfunctions/compiler/test_waiting.py)."""
    arguments = {"version": "v2", "token.$": "$$.Task.Token"}
    asks = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": "ptmlops-steps",
            "Payload": {"function": "complaints.tasks.approval.ask_for_approval", "arguments": arguments},
        },
        "ResultSelector": {"return_value.$": "$"},
        "ResultPath": "$.approve",
        "TimeoutSeconds": seconds,
        "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.approve", "Next": "done"}],
        "Next": "done",
    }
    return {"StartAt": "approve", "States": {"approve": asks, "done": {"Type": "Succeed"}}}


def ask(machines: Machines, seconds: int) -> str:
    """An execution that waits for the approval of v2, which is pending."""
    sagemaker, version = machines.aws.client("sagemaker"), registry.ModelVersion(2)
    packages = Packages(sagemaker, machines.bucket.name)
    record = machines.bucket.read_json(version.record_key) or {}
    if packages.find("v2") is None:
        uri = record["artifact_uri"]
        container, role = {"Image": "sklearn", "ModelDataUrl": uri}, SETTINGS.aws.sagemaker_role_arn
        sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=role)
        packages.register(record | {"model_name": "m", "verdict": {"verdict": "HOLD", "reasons": []}})
    packages.decide("v2", PENDING, promotion.decision("jane", "now"))
    name = f"approval-{seconds}"
    definition, role = json.dumps(waiting(seconds)), "arn:aws:iam::123456789012:role/ptmlops-states"
    arn = machines.client.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    return str(machines.client.start_execution(stateMachineArn=arn)["executionArn"])


def test_an_execution_waits_for_a_person_and_goes_on_with_the_answer(machines: Machines) -> None:
    execution = ask(machines, 300)
    until(lambda: machines.bucket.read_json(approval.request_key("v2")), "the question")
    assert machines.client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    packages = Packages(machines.aws.client("sagemaker"), machines.bucket.name)
    word = promotion.decision("jane", "2026-11-28T10:00:00+00:00", "good")
    assert approval.answer(machines.bucket, packages, machines.client, "v2", APPROVED, word).status == APPROVED
    until(lambda: machines.client.describe_execution(executionArn=execution)["status"] in ENDED, "the end")
    described = machines.client.describe_execution(executionArn=execution)
    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["output"])["approve"]["return_value"] == {"version": "v2", "status": "Approved"}
    # An answer that nobody waits for any more is kept all the same.
    assert approval.answer(machines.bucket, packages, machines.client, "v2", REJECTED, word).status == REJECTED


def test_an_execution_that_nobody_answers_ends_well_and_without_an_approval(machines: Machines) -> None:
    execution = ask(machines, 5)
    until(lambda: machines.client.describe_execution(executionArn=execution)["status"] in ENDED, "the end")
    assert machines.client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"
    found = Packages(machines.aws.client("sagemaker"), machines.bucket.name).approval_of("v2")
    assert found is not None
    assert found.status == PENDING
