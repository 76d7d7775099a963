"""`complaints_promotion` as a state machine on local AWS: promotion, rollback, and a refusal that people are told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import promotion, registry
from complaints.settings import load_settings
from deploy.lambda_functions import handlers_archive, put_steps_function
from deploy.state_machines import put_state_machines
from laptop.servers.stack import infrastructure
from localaws import LocalAWS
from tests.parity.house import LocalClients
from tests.waiting import until

SETTINGS = load_settings().pipeline
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Machines:
    """The deployed state machines, and a bucket with three versions of which none is in service."""

    def __init__(self, aws: LocalAWS) -> None:
        self.aws = aws
        infrastructure(LocalClients(aws), SETTINGS)  # type: ignore[arg-type]
        put_steps_function(aws.client("lambda"), SETTINGS, handlers_archive())
        self.client = aws.client("stepfunctions")
        self.arns = put_state_machines(self.client, SETTINGS)
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
    with local_aws(tmp_path_factory.mktemp("promotion")) as aws:
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
