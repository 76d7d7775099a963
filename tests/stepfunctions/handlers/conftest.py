"""An environment for the starter, and a machine whose only state waits: the flow is not under test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.arrivals.events import Arrival, arrivals_of
from complaints.arrivals.starting import Starter
from complaints.aws.bucket import Bucket
from complaints.settings import PipelineSettings, load_settings
from localaws import LocalAWS

NUMBERS = itertools.count()
ROLE = "arn:aws:iam::123456789012:role/ptmlops-states"


class Environment:
    """A bucket of its own, and a machine of its own."""

    def __init__(self, aws: LocalAWS, seconds: float = 0, limit: int = 100, versioned: bool = False) -> None:
        number = next(NUMBERS)
        name = f"ptmlops-{number}"
        settings = load_settings().pipeline
        self.settings: PipelineSettings = settings.model_copy(
            update={"storage": settings.storage.model_copy(update={"bucket": name})}
        )
        self.aws = aws
        self.s3, self.machines = aws.client("s3"), aws.client("stepfunctions")
        self.s3.create_bucket(Bucket=name)
        if versioned:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        wait = {"Type": "Wait", "Seconds": seconds, "End": True}
        self.machine = self.define(f"flow-{number}", wait)
        self.bucket = Bucket(self.s3, name)
        self.starter = Starter(self.bucket, self.machines, self.machine, self.settings, limit)

    def define(self, name: str, state: dict[str, Any]) -> str:
        """A machine of one state; its ARN."""
        definition = json.dumps({"StartAt": "only", "States": {"only": state}})
        arn: str = self.machines.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
        return arn

    def put(self, key: str, body: bytes = b"header\nrow\n") -> dict[str, Any]:
        """Puts an object; returns the event that EventBridge would deliver."""
        made = self.s3.put_object(Bucket=self.bucket.name, Key=key, Body=body)
        told = {"key": key, "size": len(body), "etag": made["ETag"].strip('"'), "sequencer": "00"}
        if made.get("VersionId", "null") != "null":
            told["version-id"] = made["VersionId"]
        detail = {"version": "0", "bucket": {"name": self.bucket.name}, "object": told, "reason": "PutObject"}
        return {"version": "0", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}

    def arrival(self, event: dict[str, Any]) -> Arrival:
        """The one arrival of an event."""
        (found,) = arrivals_of(event)
        return found

    def outcome(self, event: dict[str, Any]) -> str:
        """What becomes of the event."""
        return self.starter.arrived(self.arrival(event)).outcome

    def executions(self, status: str | None = None) -> list[dict[str, Any]]:
        """The machine's executions."""
        chosen = {"statusFilter": status} if status else {}
        pages = self.machines.get_paginator("list_executions").paginate(stateMachineArn=self.machine, **chosen)
        return [each for page in pages for each in page["executions"]]

    def inputs(self) -> list[dict[str, str]]:
        """What each execution was given."""
        described = (self.machines.describe_execution(executionArn=each["executionArn"]) for each in self.executions())
        return sorted((json.loads(each["input"]) for each in described), key=lambda each: each["source"])

    def ledger(self) -> list[dict[str, Any]]:
        """The ledger's entries of versions."""
        return [self.bucket.read_json(each.key) or {} for each in self.bucket.objects("ledger/versions/")]


@pytest.fixture(scope="module")
def aws(local_aws: type[LocalAWS], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    folder: Path = tmp_path_factory.mktemp("aws")
    with local_aws(folder, forks=True) as running:
        yield running


@pytest.fixture
def environment(aws: LocalAWS) -> Environment:
    return Environment(aws)
