"""From a put to an execution: S3's event, EventBridge's rules, the real archive in Lambda, StartExecution."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.settings import load_settings
from deploy.local import deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from localaws import LocalAWS
from tests.other_machines import with_machine
from tests.parity.house import LocalClients
from tests.stepfunctions.handlers.conftest import Environment
from tests.waiting import until

SETTINGS = load_settings().pipeline
FLOW = "complaints_classification"
RULES = {f"ptmlops-{name}" for name in ("arrivals", "batches", "ended", "sweep")}


class Deployed(Environment):
    """The environment of the settings, with a classification that only waits."""

    def __init__(self, aws: LocalAWS, folder: Path, seconds: float, limit: int) -> None:
        super().__init__(aws, seconds)
        self.settings = SETTINGS.model_copy(
            update={"glue": SETTINGS.glue.model_copy(update={"max_concurrent_runs": limit})}
        )
        self.clients = LocalClients(aws).clients()
        deploy_infrastructure(self.settings, self.clients)
        self.bucket = Bucket(self.s3, SETTINGS.storage.bucket)
        self.queue = aws.client("sqs").get_queue_url(QueueName="ptmlops-unstarted")
        self.code = with_machine(folder, FLOW, {"Type": "Wait", "Seconds": seconds, "End": True})
        self.machine = self.deploy()

    def deploy(self) -> str:
        return deploy_pipeline(self.settings, self.clients, root=self.code)[FLOW]

    def dead_letters(self) -> list[dict[str, Any]]:
        answer = self.aws.client("sqs").receive_message(QueueUrl=self.queue["QueueUrl"], MaxNumberOfMessages=10)
        return [json.loads(each["Body"]) for each in answer.get("Messages", [])]

    def log(self) -> str:
        logs, group = self.aws.client("logs"), "/aws/lambda/ptmlops-starter"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        events = (logs.get_log_events(logGroupName=group, logStreamName=each["logStreamName"]) for each in streams)
        return "\n".join(event["message"] for page in events for event in page["events"])


@pytest.fixture
def deployed(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[Callable[..., Deployed]]:
    with local_aws(tmp_path / "aws", minute=0.5, forks=True) as aws:
        yield lambda seconds=0, limit=100: Deployed(aws, tmp_path / "code", seconds, limit)


def test_a_file_that_lands_is_started_whatever_it_is_called_and_the_rest_is_not(deployed: Any) -> None:
    environment = deployed()
    environment.put("raw/", b"")
    environment.put("raw/_tmp.csv")
    environment.put("history/a.csv")
    keys = ["raw/a b+ä%2F.csv", "raw/2026/11/x.csv"]
    etags = [environment.put(key, key.encode())["detail"]["object"]["etag"] for key in keys]
    until(lambda: len(environment.executions("SUCCEEDED")) == 2)
    expected = [{"source": key, "etag": etag} for key, etag in zip(keys, etags, strict=True)]
    assert environment.inputs() == sorted(expected, key=lambda each: each["source"])
    assert environment.dead_letters() == []


def test_files_that_land_at_once_run_few_at_a_time_and_all_in_the_end(deployed: Any) -> None:
    environment = deployed(seconds=1, limit=2)
    for number in range(8):
        environment.put(f"raw/{number}.csv", str(number).encode())
    most = [0]

    def done() -> bool:
        most[0] = max(most[0], len(environment.executions("RUNNING")))
        return len(environment.executions("SUCCEEDED")) == 8

    until(done)
    assert 1 <= most[0] <= 2
    assert [each["source"] for each in environment.inputs()] == [f"raw/{number}.csv" for number in range(8)]


def test_a_start_that_fails_each_time_is_tried_three_times_and_then_a_dead_letter(deployed: Any) -> None:
    environment = deployed()
    functions = environment.aws.client("lambda")
    configured = functions.get_function_configuration(FunctionName="ptmlops-starter")["Environment"]["Variables"]
    gone = configured | {"STATE_MACHINE_ARN": f"{environment.machine}-gone"}
    functions.update_function_configuration(FunctionName="ptmlops-starter", Environment={"Variables": gone})
    event = environment.put("raw/a.csv")
    # A sweep, whose event has no detail, may come in between and find no state machine either.
    (letter,) = until(lambda: [each for each in environment.dead_letters() if each["requestPayload"]["detail"]])
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    assert letter["requestContext"]["approximateInvokeCount"] == 3
    assert letter["requestPayload"]["detail"]["object"]["key"] == event["detail"]["object"]["key"]
    assert letter["responsePayload"]["errorType"] == "StateMachineDoesNotExist"


def test_what_can_never_be_started_is_a_dead_letter_at_once_and_is_counted(deployed: Any) -> None:
    environment = deployed()
    environment.put("raw/a;b.csv")
    (letter,) = until(environment.dead_letters)
    assert letter["reason"].startswith("'raw/a;b.csv' may not be read: rename it")
    assert letter["event"]["detail"]["object"]["key"] == "raw/a;b.csv"
    counted = until(lambda: [json.loads(line) for line in environment.log().splitlines() if '"_aws"' in line])
    assert [(each["Outcome"], each["Arrivals"]) for each in counted] == [("rejected", 1)]
    (directive,) = counted[0]["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("PTMLops", [["Outcome"]])
    assert environment.executions() == []


def test_deploying_again_changes_nothing(deployed: Any) -> None:
    environment = deployed()
    environment.deploy()
    functions, events = environment.aws.client("lambda"), environment.aws.client("events")
    for name in RULES:
        (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert target["Arn"].endswith(":function:ptmlops-starter")
    statements = json.loads(functions.get_policy(FunctionName="ptmlops-starter")["Policy"])["Statement"]
    assert sorted(each["Sid"] for each in statements) == sorted(RULES)
    environment.put("raw/a.csv")
    until(lambda: environment.executions("SUCCEEDED"))
