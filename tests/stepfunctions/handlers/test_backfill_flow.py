"""A backfill as a state machine on local AWS: a dry run starts nothing, and each file is classified again once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.settings import load_settings
from deploy.local import deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from localaws import LocalAWS
from tests.parity.house import LocalClients
from tests.waiting import until

SETTINGS = load_settings().pipeline
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
MONTHS = {"a.csv": "2026-01", "b.csv": "2026-02", "c.csv": "2026-03"}


class Machines:
    """The deployed machines, where that of the classification only waits; v2, and files that v1 has classified."""

    def __init__(self, aws: LocalAWS) -> None:
        clients = LocalClients(aws).clients()
        deploy_infrastructure(SETTINGS, clients)
        self.client = aws.client("stepfunctions")
        self.arns = deploy_pipeline(SETTINGS, clients, starts=False)
        waits = {"StartAt": "wait", "States": {"wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
        self.client.update_state_machine(
            stateMachineArn=self.arns["complaints_classification"], definition=json.dumps(waits)
        )
        self.bucket = Bucket(aws.client("s3"), SETTINGS.storage.bucket)
        version = registry.ModelVersion(2)
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=version.artifact_key, Body=b"model")
        record = {"version": "v2", "artifact_uri": f"s3://{self.bucket.name}/{version.artifact_key}"}
        record |= {"run_id": "r", "sha256": hashlib.sha256(b"model").hexdigest(), "evaluation": {"classes": ["card"]}}
        self.bucket.write_json(version.record_key, record)
        self.etags = {name: self.publish(name, "v1") for name in MONTHS}

    def publish(self, name: str, version: str) -> str:
        key, run_id = f"{SETTINGS.storage.raw}{name}", hashlib.sha256(f"{name}{version}".encode()).hexdigest()[:16]
        put = self.bucket.client.put_object(Bucket=self.bucket.name, Key=key, Body=name.encode())
        etag = str(put["ETag"].strip('"'))
        uri = f"s3://{self.bucket.name}/{key}"
        self.bucket.write_json(f"manifests/planned/run_id={run_id}.json", {"source_uri": uri})
        manifest = {"run_id": run_id, "model_version": version, "arrived_at": f"{MONTHS[name]}-15T10:00:00+00:00"}
        manifest |= {"inputs": [{"uri": uri, "etag": etag}], "account": {"rows_in": 10, "classified": 10}}
        self.bucket.write_json(f"manifests/run_id={run_id}.json", manifest, if_absent=True)
        return etag

    def run(self, **given: Any) -> dict[str, Any]:
        started = self.client.start_execution(
            stateMachineArn=self.arns["complaints_backfill"], input=json.dumps({"version": "v2", **given})
        )
        arn = started["executionArn"]
        until(lambda: self.client.describe_execution(executionArn=arn)["status"] in ENDED, "the end of the backfill")
        described: dict[str, Any] = self.client.describe_execution(executionArn=arn)
        return described

    def classifications(self) -> list[dict[str, Any]]:
        """The inputs of the classifications, by source."""
        listed = self.client.list_executions(stateMachineArn=self.arns["complaints_classification"])["executions"]
        given = [self.client.describe_execution(executionArn=each["executionArn"])["input"] for each in listed]
        return sorted(map(json.loads, given), key=lambda each: str(each["source"]))


@pytest.fixture(scope="module")
def machines(local_aws: type[LocalAWS], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with local_aws(tmp_path_factory.mktemp("backfill"), forks=True) as aws:
        yield Machines(aws)


def test_a_backfill_plans_first_then_classifies_each_file_and_completes_what_was_missing(machines: Machines) -> None:
    months = {"from": "2026-01", "to": "2026-02"}
    dry = machines.run(**months)
    assert dry["status"] == "SUCCEEDED", dry.get("cause")
    planned = json.loads(dry["output"])["plan_backfill"]["return_value"]
    assert (planned["number"], planned["dry_run"], machines.classifications()) == (2, True, [])

    # The classification of this test publishes nothing, which the end of the backfill says.
    real = machines.run(**months, dry_run=False)
    assert (real["status"], real["error"]) == ("FAILED", "BackfillIncompleteError")
    assert "2 of 2 classifications are not published: raw/a.csv, raw/b.csv" in real["cause"]
    expected = [{"source": f"raw/{name}", "etag": machines.etags[name], "version": "v2"} for name in ("a.csv", "b.csv")]
    assert machines.classifications() == expected

    machines.publish("a.csv", "v2")
    machines.publish("b.csv", "v2")
    document = machines.bucket.read_json(f"backfills/{planned['backfill_id']}/plan.json") or {}
    assert [each["source"] for each in document["runs"]] == ["raw/a.csv", "raw/b.csv"]
    again = machines.run(**months, dry_run=False)
    assert json.loads(again["output"])["plan_backfill"]["return_value"]["number"] == 0
    assert machines.classifications() == expected


def test_a_file_that_was_replaced_since_then_is_left_out(machines: Machines) -> None:
    key = f"{SETTINGS.storage.raw}c.csv"
    machines.bucket.client.put_object(Bucket=machines.bucket.name, Key=key, Body=b"another")
    output = json.loads(machines.run(**{"from": "2026-03"})["output"])["plan_backfill"]["return_value"]
    assert output["number"] == 0
    document = machines.bucket.read_json(machines.bucket.key(output["plan_uri"])) or {}
    assert [each["reason"] for each in document["left_out"]] == [
        f"s3://{machines.bucket.name}/{key} has other files than then"
    ]


def test_what_is_wrong_is_refused_before_anything_is_started(machines: Machines) -> None:
    before = len(machines.classifications())
    for given, told in (
        ({"from": "2026-03", "version": ""}, "no model is in service"),
        ({"version": "v2"}, "from is '': expected a month"),
        ({"from": "2026-03", "version": "v9"}, "there is no version v9; there are: v2"),
        ({"from": "2026-3"}, "from is '2026-3': expected a month"),
        ({"from": "2026-03", "dry_run": "no"}, "dry_run is 'no': use true or false"),
        ({"from": "2026-03", "dryrun": False}, "unknown parameter 'dryrun'"),
    ):
        refused = machines.run(**given)
        assert refused["status"] == "FAILED"
        assert told in refused["cause"]
    assert len(machines.classifications()) == before
