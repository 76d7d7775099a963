"""From a figure in CloudWatch to a retraining, on local AWS: the alarm, its event, the rule and the function."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.monitoring import metrics
from complaints.settings import load_settings
from deploy.infrastructure import of_settings
from deploy.local import deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from localaws import LocalAWS
from tests.campaign.faults import Fault, injects
from tests.parity.house import LocalClients
from tests.waiting import until

SETTINGS = load_settings().pipeline
ALARM = "ptmlops-labelled-drop"
RUN = "f" * 16
DECISION = {
    "run_id": RUN,
    "model_version": "v1",
    "decided_at": "2026-11-29T00:00:00+00:00",
    "action": "retrain",
    "rule": "labelled_degradation",
    "reasons": ["labels show a drop"],
    "retraining": {"action": "tell", "reason": "nothing has been added to the history"},
    "counts": True,
    "drifted": False,
    "cells": [["card", "loan", 400]],
    "is_news": True,
}


class Deployed:
    """The stacks, where the training only waits; v1 in service, about which the last decision is to retrain it."""

    def __init__(self, aws: LocalAWS) -> None:
        clients = LocalClients(aws).clients()
        deploy_infrastructure(SETTINGS, clients)
        self._states = aws.client("stepfunctions")
        self._training = deploy_pipeline(SETTINGS, clients)["complaints_training"]
        waits = {"StartAt": "wait", "States": {"wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
        self._states.update_state_machine(stateMachineArn=self._training, definition=json.dumps(waits))
        of_settings(clients["cloudformation"], SETTINGS).monitoring()
        self._cloudwatch = aws.client("cloudwatch")
        self.bucket = Bucket(aws.client("s3"), SETTINGS.storage.bucket)
        self.bucket.write_json("models/versioned/v1/model.json", {"version": "v1", "run_id": "trained"}, if_absent=True)
        self.bucket.write_json("models/latest", {"version": "v1"}, if_absent=True)
        self.bucket.write_json("manifests/planned/run_id=trained.json", {"inputs": []})
        self.bucket.write_text(f"{SETTINGS.storage.history}newer.csv", "header", "text/csv")
        self.bucket.write_json(f"monitoring/run_id={RUN}/decision.json", DECISION)

    def raise_alarm(self) -> None:
        """Puts a drop into CloudWatch, waits for the alarm and, ten seconds later, for its end: an hour has passed."""
        at = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=10)
        datum: dict[str, Any] = {"MetricName": metrics.LABELLED_DROP, "Dimensions": metrics.DIMENSIONS}
        self._cloudwatch.put_metric_data(
            Namespace=metrics.NAMESPACE, MetricData=[datum | {"Value": 0.2, "Timestamp": at}]
        )
        until(lambda: self._state() == "ALARM", "the alarm")
        until(lambda: self._state() == "OK", "its end")

    def told(self) -> list[str]:
        """The marks of the alarms about which a message was published."""
        return [each.key for each in self.bucket.objects("monitoring/alarms/")]

    def trainings(self) -> list[str]:
        listed = self._states.list_executions(stateMachineArn=self._training)["executions"]
        return [each["name"] for each in listed]

    def _state(self) -> str:
        (found,) = self._cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
        return str(found["StateValue"])


@pytest.fixture(scope="module")
def deployed(local_aws: type[LocalAWS], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with local_aws(tmp_path_factory.mktemp("alarms"), forks=True) as aws:
        yield Deployed(aws)


@injects(Fault.REPEATED_ALARM)
def test_the_same_alarm_five_times_starts_one_retraining(deployed: Deployed) -> None:
    for _ in range(5):
        deployed.raise_alarm()
    until(deployed.told, "the message")
    (training,) = deployed.trainings()
    assert training.startswith("retrain-v1-alarm-")
    (told,) = deployed.told()
    lock = deployed.bucket.read_json("locks/retrain/v1.json") or {}
    assert training == f"retrain-v1-{lock['run_id']}"
    assert told == f"monitoring/alarms/{lock['run_id'].removeprefix('alarm-')}.told"
