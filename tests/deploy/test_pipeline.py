"""The pipeline at work: failures that no state reports, rules that are switched on, and a quota that is too low."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from deploy.errors import QuotaError, StackError
from deploy.local import deploy_infrastructure
from deploy.pipeline import FLOWS, ROOT, deploy_pipeline
from localaws import LocalAWS
from stepfunctions.substitutions import filled, substitutions
from tests.other_machines import with_machine
from tests.parity.house import LocalClients

SETTINGS = load_settings().pipeline
MISSING = {"Type": "Pass", "Parameters": {"a.$": "$.not.there"}, "End": True}
FAILS = {"Type": "Fail", "Error": "Glue.JobRunNotSucceeded", "Cause": "reported by the machine itself"}
WAITS = {"Type": "Wait", "Seconds": 30, "End": True}
RULES = ("alarms", "arrivals", "batches", "ended", "ingestion", "monitoring", "overdue", "sweep", "uncaught")


@pytest.fixture
def aws(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[LocalAWS]:
    with local_aws(tmp_path / "aws", minute=0.5) as running:
        deploy_infrastructure(SETTINGS, clients(running))
        yield running


def clients(aws: LocalAWS) -> dict[str, Any]:
    return LocalClients(aws).clients()


def machine(aws: LocalAWS, folder: Path, state: dict[str, Any]) -> str:
    root = with_machine(folder, "complaints_training", state)
    return deploy_pipeline(SETTINGS, clients(aws), root=root, starts=False)["complaints_training"]


def inbox(aws: LocalAWS) -> str:
    queues = aws.client("sqs")
    url: str = queues.create_queue(QueueName="inbox")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=SETTINGS.aws.alerts_topic_arn, Protocol="sqs", Endpoint=arn)
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
def test_a_failure_that_no_catch_can_catch_is_reported(aws: LocalAWS, tmp_path: Path, end: str) -> None:
    url, machines = inbox(aws), aws.client("stepfunctions")
    arn = machine(aws, tmp_path / "code", MISSING if end == "runtime error" else WAITS)
    started = machines.start_execution(stateMachineArn=arn, name="run-1")["executionArn"]
    if end == "aborted":
        machines.stop_execution(executionArn=started)
    (message,) = messages(aws, url, 60)
    assert message["Subject"] == "complaints_training failed at the run"
    lines = message["Message"].splitlines()
    assert "Run: run-1" in lines
    expected = "Cause: Runtime: " if end == "runtime error" else "Cause: ABORTED: the execution ended as ABORTED"
    assert any(line.startswith(expected) for line in lines), lines


def test_a_failure_that_a_state_handled_is_not_reported_again(aws: LocalAWS, tmp_path: Path) -> None:
    url = inbox(aws)
    arn = machine(aws, tmp_path / "code", FAILS)
    aws.client("stepfunctions").start_execution(stateMachineArn=arn, name="run-1")
    assert messages(aws, url, 4) == []


def test_every_flow_becomes_a_machine_and_what_starts_them_is_on(aws: LocalAWS) -> None:
    machines = deploy_pipeline(SETTINGS, clients(aws))
    assert {*machines} == {path.name.removesuffix(".asl.json") for path in (ROOT / "stepfunctions").glob("*.asl.json")}
    states = {each["Name"]: each["State"] for each in aws.client("events").list_rules()["Rules"]}
    expected = {f"ptmlops-{name}": "ENABLED" for name in RULES} | {"ptmlops-ingestion": "DISABLED"}
    assert states == expected
    concurrency = aws.client("lambda").get_function_concurrency(FunctionName="ptmlops-starter")
    assert concurrency["ReservedConcurrentExecutions"] == 1


def test_where_airflow_runs_the_flows_nothing_starts_an_execution(aws: LocalAWS) -> None:
    deploy_pipeline(SETTINGS, clients(aws), starts=False)
    states = {each["Name"]: each["State"] for each in aws.client("events").list_rules()["Rules"]}
    assert [name for name, state in states.items() if state == "ENABLED"] == [
        "ptmlops-alarms",
        "ptmlops-overdue",
        "ptmlops-uncaught",
    ]


def test_deploying_again_leaves_the_ingestion_on_for_whoever_has_switched_it_on(aws: LocalAWS) -> None:
    events = aws.client("events")
    deploy_pipeline(SETTINGS, clients(aws))
    events.enable_rule(Name="ptmlops-ingestion")
    deploy_pipeline(SETTINGS, clients(aws))
    assert events.describe_rule(Name="ptmlops-ingestion")["State"] == "ENABLED"


@pytest.mark.parametrize(
    ("flow", "rule"), [("complaints_classification", "arrivals"), ("complaints_monitoring", "monitoring")]
)
def test_a_rule_has_the_event_pattern_that_the_dag_was_compiled_to(aws: LocalAWS, flow: str, rule: str) -> None:
    assert flow in FLOWS
    deploy_pipeline(SETTINGS, clients(aws))
    pattern = json.loads(aws.client("events").describe_rule(Name=f"ptmlops-{rule}")["EventPattern"])
    compiled = (ROOT / "stepfunctions" / f"{flow}.trigger.json").read_text(encoding="utf-8")
    assert pattern == json.loads(filled(compiled, substitutions(SETTINGS)))


def test_without_concurrency_to_reserve_the_error_names_the_quota_and_all_else_is_deployed(
    aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    # moto refuses as Lambda does: 100 of the quota must stay unreserved.
    monkeypatch.setenv("MOTO_LAMBDA_CONCURRENCY_QUOTA", "100")
    with pytest.raises(QuotaError, match="request at least 101 for AWS Lambda's 'Concurrent executions'"):
        deploy_pipeline(SETTINGS, clients(aws))
    assert len(aws.client("events").list_rules()["Rules"]) == len(RULES)


def test_without_the_stacks_before_it_the_error_names_the_one_that_is_missing(
    local_aws: type[LocalAWS], tmp_path: Path
) -> None:
    with local_aws(tmp_path / "empty") as empty:
        empty.client("s3").create_bucket(Bucket=SETTINGS.storage.bucket)
        with pytest.raises(StackError, match="stack ptmlops-data is not there: deploy it first"):
            deploy_pipeline(SETTINGS, clients(empty))
