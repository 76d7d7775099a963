"""One execution for each object version that arrives, whatever the events do."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from urllib3.response import HTTPResponse

from complaints.arrivals.events import ArrivalError
from complaints.arrivals.starting import Starter
from localaws import LocalAWS
from tests.stepfunctions.handlers.conftest import Environment
from tests.waiting import until


@pytest.fixture(params=[False, True], ids=["unversioned", "versioned"])
def either(aws: LocalAWS, request: pytest.FixtureRequest) -> Environment:
    return Environment(aws, versioned=request.param)


def test_an_event_that_comes_five_times_starts_one_execution(either: Environment) -> None:
    event = either.put("raw/a.csv")
    assert [either.outcome(event) for _ in range(5)] == ["started", *["already started"] * 4]
    assert len(either.executions()) == 1


def test_an_event_that_comes_five_times_at_once_starts_one_execution(either: Environment) -> None:
    event = either.put("raw/a.csv")
    with ThreadPoolExecutor(5) as pool:
        outcomes = list(pool.map(either.outcome, [event] * 5))
    assert set(outcomes) <= {"started", "already started"}
    assert len(either.executions()) == 1
    assert len(either.ledger()) == 1


def test_the_execution_is_given_the_exact_object_and_its_etag(environment: Environment) -> None:
    event = environment.put("raw/a b+ä%2F.csv")
    environment.outcome(event)
    assert environment.inputs() == [{"source": "raw/a b+ä%2F.csv", "etag": event["detail"]["object"]["etag"]}]


def test_an_older_event_after_a_newer_one_is_ignored(either: Environment) -> None:
    older, newer = either.put("raw/a.csv", b"old"), either.put("raw/a.csv", b"new")
    assert either.outcome(newer) == "started"
    assert either.outcome(older) == "superseded"
    assert len(either.executions()) == 1


def test_new_content_under_an_old_key_is_a_new_execution(either: Environment) -> None:
    first = either.put("raw/a.csv", b"old")
    assert either.outcome(first) == "started"
    before = either.executions()
    assert either.outcome(either.put("raw/a.csv", b"new")) == "started"
    assert len(either.executions()) == 2
    assert before[0]["executionArn"] in {each["executionArn"] for each in either.executions()}


def test_the_same_bytes_under_another_key_are_a_duplicate(either: Environment) -> None:
    assert either.outcome(either.put("raw/a.csv")) == "started"
    until(lambda: either.executions("SUCCEEDED"))
    copy = either.put("raw/copy.csv")
    outcome = either.starter.arrived(either.arrival(copy))
    assert (outcome.outcome, outcome.reason) == ("duplicate", "duplicate of raw/a.csv")
    assert len(either.executions()) == 1
    assert either.outcome(copy) == "already started"


def test_the_same_bytes_are_tried_again_where_the_first_execution_failed(aws: LocalAWS) -> None:
    environment = Environment(aws)
    machine = environment.define("fails", {"Type": "Fail", "Error": "no"})
    environment.machine = machine
    environment.starter = Starter(environment.bucket, environment.machines, machine, environment.settings, 9)
    assert environment.outcome(environment.put("raw/a.csv")) == "started"
    until(lambda: environment.executions("FAILED"))
    assert environment.outcome(environment.put("raw/copy.csv")) == "started"
    assert environment.outcome(environment.put("raw/third.csv")) in ("started", "duplicate")


def test_a_file_that_is_renamed_while_its_execution_runs_is_started_if_that_fails(aws: LocalAWS) -> None:
    environment = Environment(aws)
    wait = {"Type": "Wait", "Seconds": 1, "Next": "no"}
    states = {"StartAt": "wait", "States": {"wait": wait, "no": {"Type": "Fail", "Error": "no"}}}
    machine = environment.machines.create_state_machine(
        name="fails-late", definition=json.dumps(states), roleArn="arn:aws:iam::123456789012:role/ptmlops-states"
    )["stateMachineArn"]
    environment.machine = machine
    environment.starter = Starter(environment.bucket, environment.machines, machine, environment.settings, 9)
    assert environment.outcome(environment.put("raw/a.csv")) == "started"
    renamed = environment.put("raw/b.csv")
    environment.s3.delete_object(Bucket=environment.bucket.name, Key="raw/a.csv")
    assert environment.outcome(renamed) == "pending"
    assert list(environment.starter.sweep()) == []
    until(lambda: environment.executions("FAILED"))
    assert [(each.key, each.outcome) for each in environment.starter.sweep()] == [("raw/b.csv", "started")]


def test_a_batch_that_is_delivered_again_is_started_again_by_the_same_marker(either: Environment) -> None:
    either.put("raw/batches/may/a.csv", b"a")
    first = either.put("raw/batches/may/_SUCCESS", b"")
    assert [either.outcome(first), either.outcome(first)] == ["started", "already started"]
    time.sleep(1.1)  # S3's clock has seconds
    either.put("raw/batches/may/b.csv", b"b")
    again = either.put("raw/batches/may/_SUCCESS", b"")
    assert [either.outcome(again), either.outcome(again)] == ["started", "already started"]
    assert list(either.starter.sweep()) == []
    assert len(either.executions()) == 2


def test_an_object_that_is_gone_can_never_be_started(either: Environment) -> None:
    event = either.put("raw/a.csv")
    either.s3.delete_object(Bucket=either.bucket.name, Key="raw/a.csv")
    with pytest.raises(ArrivalError, match=r"raw/a\.csv no longer exists: upload it again"):
        either.outcome(event)
    assert not either.executions()


def failing(environment: Environment, operation: str, times: int) -> Starter:
    """A starter whose calls of one operation are throttled, the first `times` of them."""
    keys = {**environment.aws.credentials.session, "region_name": "us-east-1"}
    client = boto3.client("stepfunctions", endpoint_url=environment.aws.endpoint, **keys)
    left = [times]

    def throttle(request: Any, **_: Any) -> AWSResponse | None:
        if not left[0]:
            return None
        left[0] -= 1
        body = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
        raw = HTTPResponse(BytesIO(body), preload_content=False)
        return AWSResponse(request.url, 400, {"x-amzn-errortype": "ThrottlingException"}, raw)

    client.meta.events.register(f"before-send.stepfunctions.{operation}", throttle)
    return Starter(environment.bucket, client, environment.machine, environment.settings, 100)


def test_a_start_that_is_throttled_for_ever_is_raised_and_nothing_is_remembered(environment: Environment) -> None:
    starter = failing(environment, "StartExecution", 99)
    with pytest.raises(ClientError, match="Rate exceeded"):
        starter.arrived(environment.arrival(environment.put("raw/a.csv")))
    assert not environment.ledger()
    assert environment.outcome(environment.put("raw/a.csv")) == "started"


def test_whoever_died_after_the_start_is_put_right_by_the_retry(environment: Environment) -> None:
    event = environment.put("raw/a.csv")
    arrival = environment.arrival(event)
    environment.machines.start_execution(
        stateMachineArn=environment.machine,
        name=arrival.execution_name,
        input=json.dumps(arrival.source(environment.settings.storage)),
    )
    until(lambda: environment.executions("SUCCEEDED"))
    assert not environment.ledger()
    assert environment.outcome(event) == "already started"
    (entry,) = environment.ledger()
    assert (entry["key"], entry["outcome"]) == ("raw/a.csv", "started")
    assert len(environment.executions()) == 1


def test_the_sweep_starts_what_no_event_told_of(either: Environment) -> None:
    known = either.put("raw/known.csv", b"1")
    either.outcome(known)
    for key in ("raw/lost.csv", "raw/2026/lost too.csv"):
        either.put(key, key.encode())
    for key in ("history/a.csv", "raw/_tmp.csv", "raw/empty.csv", "raw/a;b.csv"):
        either.put(key, b"" if "empty" in key else b"x")
    either.put("raw/gone.csv", b"gone")
    either.s3.delete_object(Bucket=either.bucket.name, Key="raw/gone.csv")
    started = [each.key for each in either.starter.sweep() if each.outcome == "started"]
    assert sorted(started) == ["raw/2026/lost too.csv", "raw/lost.csv"]
    assert [each for each in either.starter.sweep() if each.outcome == "started"] == []
    assert len(either.executions()) == 3


def test_the_sweep_takes_each_object_as_it_is_now(aws: LocalAWS) -> None:
    environment = Environment(aws, versioned=True)
    environment.put("raw/a.csv", b"old")
    newest = environment.put("raw/a.csv", b"new")
    assert [each.outcome for each in environment.starter.sweep()] == ["started"]
    assert environment.inputs() == [{"source": "raw/a.csv", "etag": newest["detail"]["object"]["etag"]}]


def test_no_more_executions_run_at_once_than_allowed_and_the_others_wait(aws: LocalAWS) -> None:
    environment = Environment(aws, seconds=2, limit=2)
    events = [environment.put(f"raw/{number}.csv", str(number).encode()) for number in range(5)]
    outcomes = [environment.outcome(event) for event in events]
    assert outcomes == ["started", "started", "waiting", "waiting", "waiting"]
    assert environment.outcome(events[0]) == "already started"
    assert len(environment.ledger()) == 2
    while len(environment.ledger()) < 5:
        assert len(environment.executions("RUNNING")) <= 2
        until(lambda: len(environment.executions("RUNNING")) < 2)
        list(environment.starter.sweep())
    assert [each["source"] for each in environment.inputs()] == [f"raw/{number}.csv" for number in range(5)]


def test_a_batch_starts_once_it_is_complete_and_as_one(either: Environment) -> None:
    for name in ("a", "b"):
        assert either.outcome(either.put(f"raw/batches/may/{name}.csv", name.encode())) == "ignored"
    complete = either.put("raw/batches/may/_SUCCESS", b"")
    assert either.outcome(complete) == "started"
    assert either.inputs() == [{"source": "raw/batches/may/"}]
    assert either.outcome(complete) == "already started"
    other = either.put("raw/batches/june/_SUCCESS", b"")
    assert either.outcome(other) == "started"


def test_the_sweep_starts_batches_that_are_complete(either: Environment) -> None:
    either.put("raw/batches/may/a.csv", b"a")
    assert list(either.starter.sweep()) == []
    either.put("raw/batches/may/_SUCCESS", b"")
    assert [each.outcome for each in either.starter.sweep()] == ["started"]
    assert either.inputs() == [{"source": "raw/batches/may/"}]
