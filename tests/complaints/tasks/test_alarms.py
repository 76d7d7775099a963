"""An alarm of CloudWatch starts the retraining that was decided, once, by the same guard as the monitoring itself."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from complaints.settings import load_settings
from stepfunctions.handlers.steps import ALARM_CHANGE, run_step
from tests.campaign.faults import Fault, injects
from tests.complaints.monitoring.test_decision import DEGRADED, MOVED
from tests.complaints.tasks.test_monitoring import House

SETTINGS = load_settings()


def alarm(number: int = 1, state: str = "ALARM") -> dict[str, Any]:
    return {
        "detail-type": ALARM_CHANGE,
        "id": f"event-{number}",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:ptmlops-labelled-drop"],
        "detail": {"alarmName": "ptmlops-labelled-drop", "state": {"value": state}},
    }


def raised(number: int = 1, state: str = "ALARM") -> Any:
    """What the function of the Python tasks answers to the event."""
    return run_step(alarm(number, state), None)


class Deployed(House):
    """The house with the training's state machine, v1 in service, and a history that v1 was trained on."""

    def __init__(self) -> None:
        super().__init__()
        self._states = boto3.client("stepfunctions", region_name="us-east-1")
        definition = {"StartAt": "only", "States": {"only": {"Type": "Wait", "Seconds": 60, "End": True}}}
        made = self._states.create_state_machine(
            name="complaints_training",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::123456789012:role/ptmlops-states",
        )
        self._machine = made["stateMachineArn"]
        self.put("models/latest", {"version": "v1"})
        self.forget_history()

    def forget_history(self) -> None:
        """All of the history is what v1 was trained on."""
        listed = self.s3.list_objects_v2(Bucket=SETTINGS.pipeline.storage.bucket, Prefix="history/")["Contents"]
        inputs = [{"key": each["Key"], "etag": each["ETag"].strip('"')} for each in listed]
        self.put("manifests/planned/run_id=trained.json", {"inputs": inputs})

    def trainings(self) -> list[str]:
        executions = self._states.list_executions(stateMachineArn=self._machine)["executions"]
        return [each["name"] for each in executions]


@pytest.fixture
def house(in_memory_aws: None) -> Deployed:
    return Deployed()


@injects(Fault.REPEATED_ALARM)
def test_five_alarms_of_a_decision_whose_history_has_grown_since_start_one_training_and_are_told_once(
    house: Deployed,
) -> None:
    house.decide(house.publish(1), **DEGRADED)
    assert house.told() == ["v1 has become worse"]
    assert raised(1)["reason"].startswith("nothing has been added to the history")
    house.put("history/newer.csv", "header")
    outcomes = [raised(number)["action"] for number in (2, 2, 3, 4, 5)]
    # A repeated delivery of the same event completes the first one.
    assert outcomes == ["retrain", "retrain", "none", "none", "none"]
    assert house.trainings() == ["retrain-v1-alarm-event-2"]
    assert house.told() == ["ptmlops-labelled-drop: v1 has become worse"]


@injects(Fault.REPEATED_ALARM)
def test_an_alarm_about_a_run_that_has_started_the_training_itself_starts_nothing(house: Deployed) -> None:
    house.put("history/newer.csv", "header")
    assert house.decide(house.publish(1), **DEGRADED)["retrain"]
    house.told()
    assert raised()["reason"] == "v1 is being retrained already"
    assert (house.trainings(), house.told()) == ([], [])


@pytest.mark.parametrize("why", ["drift", "no window", "ended", "no model"])
def test_an_alarm_decides_nothing_by_itself(house: Deployed, why: str) -> None:
    house.put("history/newer.csv", "header")
    if why == "drift":
        house.decide(house.publish(1), **MOVED)
    elif why == "no model":
        house.s3.delete_object(Bucket=SETTINGS.pipeline.storage.bucket, Key="models/latest")
    assert raised(state="OK" if why == "ended" else "ALARM")["action"] == "none"
    assert (house.trainings(), house.told()) == ([], [])


@injects(Fault.RETRAINED_ALARMS)
def test_an_alarm_about_a_version_that_a_retraining_made_starts_no_other(house: Deployed) -> None:
    house.put("history/newer.csv", "header")
    house.decide(house.publish(1), **DEGRADED)
    house.register("v2")
    house.put("models/latest", {"version": "v2"})
    house.decide(house.publish(2, "v2"), version="v2", **DEGRADED)
    assert "v2 alarms less than 7 days after the retraining of v1" in raised()["reason"]
    assert house.trainings() == []
