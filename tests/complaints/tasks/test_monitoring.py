"""The tasks of the monitoring: what is planned, decided once, told once, and started once."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from complaints.monitoring.plans import MonitoringRefusedError
from complaints.settings import load_settings
from complaints.tasks import monitoring
from tests.campaign.faults import Fault, injects
from tests.complaints.monitoring.test_decision import DEGRADED, MOVED, UNKNOWN, VIOLATION, assessment

SETTINGS = load_settings()
BUCKET, TOPIC = SETTINGS.pipeline.storage.bucket, SETTINGS.pipeline.aws.alerts_topic_arn
FOLDER = f"s3://{BUCKET}/processed"
MACHINES = "arn:aws:states:us-east-1:123456789012:stateMachine"
CELLS = [["card", "card", 500], ["card", "mortgage", 100]]


class House:
    """A bucket with a model in service that has a baseline, a history that has grown since, and a topic of alerts."""

    def __init__(self) -> None:
        self.s3, sns, self._sqs = (boto3.client(name, region_name="us-east-1") for name in ("s3", "sns", "sqs"))
        self.s3.create_bucket(Bucket=BUCKET)
        self._queue = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        sns.create_topic(Name=TOPIC.rpartition(":")[2])
        sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox")
        self.put("artifacts/latest.json", {"release": "r1"})
        self.register("v1")
        self.put("history/new.csv", "header")

    def put(self, key: str, content: Any) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content))

    def get(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def register(self, version: str, **changed: Any) -> None:
        record = {"version": version, "run_id": "trained", "sha256": "served", "evaluated_sha256": "evaluated"}
        record |= {"baseline_uri": f"s3://{BUCKET}/models/versioned/{version}/baseline.json", **changed}
        self.put(f"models/versioned/{version}/model.json", record)

    def publish(self, number: int, version: str = "v1", classified: int = 400, labelled: int = 400) -> str:
        """A published classification; returns its run id."""
        run = f"{number:016x}"
        folders = {name: f"{FOLDER}/run_id={run}/{name}/" for name in ("records", "scores", "complaints")}
        planned = {f"{name}_uri": uri for name, uri in folders.items()}
        self.put(f"manifests/planned/run_id={run}.json", planned | {"results_account_uri": f"{FOLDER}/account/"})
        self.put(f"processed/run_id={run}/scores/part-0.out", {})
        manifest = {"run_id": run, "model_version": version, "model_sha256": "served"}
        account = {"rows_in": classified, "classified": classified, "quarantined": 0}
        manifest |= {"account": account, "scores": {"n": labelled}, "unmapped": 0}
        manifest["results"] = [{"key": f"results/{run}-00000.parquet"}]
        self.put(f"manifests/run_id={run}.json", manifest)
        return run

    def decide(self, run: str, machine: str = "", version: str = "v1", **found: Any) -> Any:
        """Plans, has the job write this assessment, and decides."""
        plan = monitoring.plan_monitoring(run)
        assert monitoring.can_be_assessed(plan)
        document = {"run_id": run, "model_version": version, "cells": CELLS, "delayed_accuracy": {"n": 0}}
        document["predicted_products"] = {"card": 400}
        self.put(f"monitoring/run_id={run}/monitoring.json", assessment(**document, **found))
        return monitoring.decide_monitoring(plan, machine)

    def metrics(self) -> set[str]:
        """The names of the figures in CloudWatch."""
        cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
        return {each["MetricName"] for each in cloudwatch.list_metrics(Namespace="PTMLops")["Metrics"]}

    def told(self) -> list[str]:
        """The subjects of the messages since the last call."""
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"])["Subject"] for each in found]


@pytest.fixture
def house(in_memory_aws: None) -> House:
    return House()


def test_a_published_run_is_planned_by_its_id_or_its_manifests_key_and_always_the_same(house: House) -> None:
    run = house.publish(1)
    plan = monitoring.plan_monitoring(run)
    assert monitoring.plan_monitoring(f"manifests/run_id={run}.json") == plan
    assert (plan["baseline_sha256"], plan["model_sha256"], plan["unassessed"]) == ("evaluated", "served", "")
    assert plan["monitoring_job_name"] == f"complaints-monitor-{run}"
    assert plan["assessment_uri"] == f"s3://{BUCKET}/monitoring/run_id={run}/monitoring.json"


def test_only_published_files_that_labels_can_be_joined_to_are_inputs_of_the_job(house: House) -> None:
    """Of the last 20 runs before this one, those with complaints that had no label."""
    runs = [house.publish(number, labelled=300 if number != 22 else 400) for number in range(1, 26)]
    plan = monitoring.plan_monitoring(runs[23])
    prefix, besides, *keys = house.get(plan["published_uri"].removeprefix(f"s3://{BUCKET}/"))
    assert (prefix, f"s3://{BUCKET}/{besides}") == ({"prefix": f"s3://{BUCKET}/"}, plan["plan_uri"])
    joined = [run for run in reversed(runs[3:23]) if run != runs[21]]
    assert keys == [f"results/{run}-00000.parquet" for run in joined]
    assert house.get(besides)["published_before"] == joined


@pytest.mark.parametrize("given", ["", None, "manifests/planned/run_id=0.json", "x" * 16, "0" * 16])
def test_a_run_that_is_not_published_is_refused(house: House, given: str | None) -> None:
    with pytest.raises(MonitoringRefusedError, match=r"expected the run id|is not published"):
        monitoring.plan_monitoring(given)


def test_a_run_whose_scores_are_no_longer_kept_is_refused(house: House) -> None:
    run = house.publish(1)
    house.s3.delete_object(Bucket=BUCKET, Key=f"processed/run_id={run}/scores/part-0.out")
    with pytest.raises(MonitoringRefusedError, match="no longer kept"):
        monitoring.plan_monitoring(run)


@injects(Fault.NO_BASELINE)
def test_a_model_without_a_baseline_ends_the_run_without_a_job_and_without_a_message(house: House) -> None:
    house.register("v1", baseline_uri=None)
    run = house.publish(1)
    assert not monitoring.can_be_assessed(monitoring.plan_monitoring(run))
    found = house.get(f"monitoring/run_id={run}/decision.json")
    assert (found["action"], found["counts"], found["reasons"][0][:11]) == ("wait", False, "no baseline")
    assert house.told() == []
    assert house.metrics() == {"MonitoredRuns", "QuarantineRate"}


def test_a_run_that_classified_nothing_is_not_assessed(house: House) -> None:
    plan = monitoring.plan_monitoring(house.publish(1, classified=0))
    assert plan["unassessed"] == "no complaint was classified"
    assert not monitoring.can_be_assessed(plan)


def test_complaints_that_a_stated_version_classified_again_are_no_window(house: House) -> None:
    run = house.publish(1)
    planned = house.get(f"manifests/planned/run_id={run}.json")
    house.put(f"manifests/planned/run_id={run}.json", planned | {"stated_version": "v1"})
    plan = monitoring.plan_monitoring(run)
    assert plan["unassessed"] == "v1 was stated: complaints that are classified again are no new window"
    assert not monitoring.can_be_assessed(plan)


def test_where_nothing_changed_nothing_is_said_and_the_figures_are_metrics(house: House) -> None:
    run = house.publish(1)
    assert house.decide(run)["action"] == "keep"
    assert house.told() == []
    of_batch = {"Complaints", "MeanConfidence", "Violations", "MovedSignals", "EstimatedAccuracy"}
    assert house.metrics() == {*of_batch, "MonitoredRuns", "QuarantineRate"}


def test_a_decision_is_made_and_told_once_whatever_is_repeated(house: House) -> None:
    run = house.publish(1)
    first = house.decide(run, **UNKNOWN)
    assert house.told() == ["Monitoring of v1 needs a person"]
    # The second time with another assessment, which comes too late.
    assert house.decide(run) == first
    assert house.told() == []


def test_the_page_shows_the_decision_and_a_repetition_writes_the_same(house: House) -> None:
    run = house.publish(1)
    pages = []
    for found in (UNKNOWN, UNKNOWN):
        house.decide(run, **found)
        answer = house.s3.get_object(Bucket=BUCKET, Key=f"monitoring/run_id={run}/monitoring.html")
        pages.append(answer["Body"].read().decode())
    assert "<h1>A person is needed</h1>" in pages[0]
    assert answer["ContentType"].startswith("text/html")
    assert pages[0] == pages[1]


def test_the_signals_of_a_run_are_one_object_that_a_repetition_leaves_as_it_was(house: House) -> None:
    run = house.publish(1)
    written = []
    for _ in range(2):
        house.decide(run, **MOVED)
        answer = house.s3.get_object(Bucket=BUCKET, Key=f"drift/run_id={run}.jsonl")
        written.append(answer["Body"].read())
    found = [json.loads(line) for line in written[0].splitlines()]
    decided = house.get(f"monitoring/run_id={run}/decision.json")
    assert {(each["run_id"], each["decided_at"], each["action"]) for each in found} == {
        (run, decided["decided_at"], "keep")
    }
    assert {each["signal"]: each["drifted"] for each in found} == {"class_mix": True, "length": False}
    assert written[0] == written[1]
    listed = house.s3.list_objects_v2(Bucket=BUCKET, Prefix="drift/")["Contents"]
    assert [each["Key"] for each in listed] == [f"drift/run_id={run}.jsonl"]


def test_a_run_that_is_not_assessed_has_no_records_of_drift(house: House) -> None:
    assert not monitoring.can_be_assessed(monitoring.plan_monitoring(house.publish(1, classified=0)))
    assert "Contents" not in house.s3.list_objects_v2(Bucket=BUCKET, Prefix="drift/")


def test_a_message_that_was_refused_is_sent_by_the_next_try(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.publish(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Exception, match="Could not connect"):
        house.decide(run, **VIOLATION)
    monkeypatch.delenv("AWS_ENDPOINT_URL_SNS")
    assert house.decide(run)["action"] == "stop"
    assert house.told() == [f"{run}: the complaints or their results are faulty"]


def test_the_third_window_of_five_that_drifts_is_told_and_the_fourth_is_no_news(house: House) -> None:
    actions = [house.decide(house.publish(number), **MOVED)["action"] for number in range(1, 5)]
    assert actions == ["keep", "keep", "evaluate", "evaluate"]
    assert house.told() == ["Complaints have changed: evaluate v1"]


def test_the_windows_before_are_those_of_the_same_version_that_count(house: House) -> None:
    house.register("v2")
    house.decide(house.publish(1), **MOVED)
    house.decide(house.publish(2, "v2"), version="v2", **MOVED)
    house.decide(house.publish(3), **VIOLATION)
    run = house.publish(4)
    monitoring.plan_monitoring(run)
    plan = house.get(f"monitoring/run_id={run}/plan.json")
    assert [(each["run_id"][-1], each["counts"]) for each in plan["earlier"]] == [("1", True), ("3", False)]
    assert plan["recent_cells"] == CELLS


@injects(Fault.REPEATED_ALARM)
def test_the_same_alarm_five_times_starts_one_training_and_is_told_twice(house: House) -> None:
    runs = [house.publish(number) for number in range(1, 6)]
    started = [house.decide(run, **DEGRADED)["retrain"] for run in runs]
    assert started == [f"retrain-v1-{runs[0]}", "", "", "", ""]
    assert house.get("locks/retrain/v1.json")["run_id"] == runs[0]
    # That it is started, and that it will not be again.
    assert house.told() == ["v1 has become worse"] * 2
    assert house.decide(runs[0], **DEGRADED)["retrain"] == f"retrain-v1-{runs[0]}"


def test_without_a_newer_history_nothing_is_trained(house: House) -> None:
    etag = house.s3.head_object(Bucket=BUCKET, Key="history/new.csv")["ETag"].strip('"')
    planned = {"inputs": [{"key": "history/new.csv", "etag": etag}]}
    house.put("manifests/planned/run_id=trained.json", planned)
    run = house.publish(1)
    assert house.decide(run, **DEGRADED)["retrain"] == ""
    retraining = house.get(f"monitoring/run_id={run}/decision.json")["retraining"]
    assert retraining["reason"].startswith("nothing has been added to the history that v1 was trained on")


def test_a_state_machine_starts_the_training_beside_it_once(house: House) -> None:
    states = boto3.client("stepfunctions", region_name="us-east-1")
    definition = json.dumps({"StartAt": "only", "States": {"only": {"Type": "Wait", "Seconds": 60, "End": True}}})
    role = "arn:aws:iam::123456789012:role/ptmlops-states"
    machine = states.create_state_machine(name="complaints_training", definition=definition, roleArn=role)
    run = house.publish(1)
    for _ in range(2):
        house.decide(run, f"{MACHINES}:complaints_monitoring", **DEGRADED)
    (execution,) = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert execution["name"] == f"retrain-v1-{run}"


@injects(Fault.METRICS_REFUSED)
def test_metrics_that_cannot_be_put_change_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:9")
    assert house.decide(house.publish(1), **UNKNOWN)["action"] == "person"
    assert house.told() == ["Monitoring of v1 needs a person"]
    assert "no metrics of run" in caplog.text
