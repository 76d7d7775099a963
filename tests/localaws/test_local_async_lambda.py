import json
import time
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from typing import Any

import pytest

from localaws import LocalAWS
from localaws.server.timer import Timer
from tests.localaws.account import Account
from tests.waiting import until

FAILING = """
import boto3, time
def handler(event, context):
    key = f"tries/{context.aws_request_id}/{time.time()}"
    boto3.client("s3").put_object(Bucket=event["bucket"], Key=key, Body=b"")
    if len(boto3.client("s3").list_objects_v2(Bucket=event["bucket"], Prefix="tries/")["Contents"]) <= event["bad"]:
        raise ValueError("not yet")
    return {"good": True}
"""
SLOW = """
import boto3, time
def handler(event, context):
    started = time.time()
    time.sleep(event["seconds"])
    span = f"{started} {time.time()}".encode()
    boto3.client("s3").put_object(Bucket=event["bucket"], Key=f"done/{context.aws_request_id}", Body=span)
"""


def send(account: Account, function: str, event: Any) -> str:
    answer = account.aws.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps(event)
    )
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def test_an_event_whose_function_fails_is_tried_again_after_one_minute_and_after_two(account: Account) -> None:
    name = account.function(FAILING)
    destination = account.queue()
    account.aws.client("lambda").put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": destination}}
    )
    request_id = send(account, name, {"bucket": account.name, "bad": 2})
    (message,) = account.messages(destination, 1)
    tries = account.keys("tries/")
    # A minute lasts a second here.
    first, second, third = (float(key.rpartition("/")[2]) for key in tries)
    assert second - first >= 1
    assert third - second >= 2
    assert {key.split("/")[1] for key in tries} == {request_id}
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"good": True}


def test_after_the_last_failure_the_destination_and_the_dead_letter_queue_get_the_event(account: Account) -> None:
    destination, dead = account.queue("destination"), account.queue("dead")
    arn = account.function_arn(FAILING, DeadLetterConfig={"TargetArn": dead})
    client = account.aws.client("lambda")
    config = {"OnFailure": {"Destination": destination}}
    client.put_function_event_invoke_config(FunctionName=arn, MaximumRetryAttempts=0, DestinationConfig=config)
    event = {"bucket": account.name, "bad": 9}
    request_id = send(account, arn, event)
    (message,) = account.messages(destination, 1)
    record = json.loads(message["Body"])
    assert record.pop("timestamp").endswith("Z")
    response = record.pop("responsePayload")
    assert (response["errorType"], response["errorMessage"]) == ("ValueError", "not yet")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }
    (letter,) = account.messages(dead, 1)
    assert json.loads(letter["Body"]) == event
    attributes = {name: (told["DataType"], told["StringValue"]) for name, told in letter["MessageAttributes"].items()}
    assert attributes == {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "not yet"),
    }


def test_a_topic_a_function_and_a_bus_can_be_told_too(account: Account) -> None:
    heard, forwarded = account.queue("heard"), account.queue("forwarded")
    topic = account.aws.client("sns").create_topic(Name=account.name)["TopicArn"]
    account.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard)
    events = account.aws.client("events")
    pattern = {"source": ["lambda"], "detail": {"requestPayload": {"bucket": [account.name]}}}
    events.put_rule(Name=account.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=account.name, Targets=[{"Id": "1", "Arn": forwarded}])
    arn = account.function_arn(FAILING, DeadLetterConfig={"TargetArn": topic})
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    account.aws.client("lambda").put_function_event_invoke_config(
        FunctionName=arn, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": bus}}
    )
    send(account, arn, {"bucket": account.name, "bad": 9})
    (letter,) = account.messages(heard, 1)
    assert json.loads(json.loads(letter["Body"])["Message"]) == {"bucket": account.name, "bad": 9}
    (message,) = account.messages(forwarded, 1)
    told = json.loads(message["Body"])
    assert told["detail-type"] == "Lambda Function Invocation Result - Failure"
    assert told["detail"]["requestContext"]["condition"] == "RetriesExhausted"
    sender = [event for event in account.aws.trail if event["eventName"] == "Publish"][-1]
    assert sender["userAgent"] == "lambda.amazonaws.com"


def test_what_a_function_is_told_about_its_events_is_kept(account: Account) -> None:
    client, queue = account.aws.client("lambda"), account.queue()
    name = account.function(SLOW, DeadLetterConfig={"TargetArn": queue})
    kept = client.get_function_configuration(FunctionName=name)
    assert kept["DeadLetterConfig"] == {"TargetArn": queue}
    changed = client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in changed
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=2)
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    client.update_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    config = client.get_function_event_invoke_config(FunctionName=name)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (1, 60)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 0}


def test_a_call_beyond_the_reserved_concurrency_is_throttled(account: Account) -> None:
    client, name = account.aws.client("lambda"), account.function(SLOW)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    send(account, name, {"bucket": account.name, "seconds": 8})

    def throttled() -> dict[str, Any] | None:
        try:
            # Fails at once where the event has not begun yet, since it names no bucket.
            client.invoke(FunctionName=name, Payload=b"{}")
        except client.exceptions.TooManyRequestsException as refused:
            return refused.response  # type: ignore[no-any-return]
        return None

    response = until(throttled)
    assert response is not None
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    # Another function has room of its own.
    account.name += "-other"
    account.s3.create_bucket(Bucket=account.name)
    other = account.function(SLOW)
    assert "FunctionError" not in account.invoke(other, {"bucket": account.name, "seconds": 0})[0]


def test_events_beyond_the_reserved_concurrency_wait_and_none_is_lost(account: Account) -> None:
    name = account.function(SLOW)
    account.aws.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    with ThreadPoolExecutor(4) as pool:
        sent = set(pool.map(lambda _: send(account, name, {"bucket": account.name, "seconds": 0.1}), range(8)))
    until(lambda: len(account.keys("done/")) == 8)
    assert {key.removeprefix("done/") for key in account.keys("done/")} == sent
    spans = [[float(at) for at in account.get(key).split()] for key in account.keys("done/")]
    assert max(sum(begun <= start < end for begun, end in spans) for start, _ in spans) <= 2


def test_a_function_with_no_concurrency_gives_its_events_up_at_once(account: Account) -> None:
    queue = account.queue()
    name = account.function(SLOW)
    client = account.aws.client("lambda")
    config = {"OnFailure": {"Destination": queue}}
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=name, Payload=b"{}")
    send(account, name, {"a": 1})
    (message,) = account.messages(queue, 1)
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestPayload"] == {"a": 1}
    assert "responsePayload" not in record


def test_an_event_that_has_grown_too_old_is_given_up(account: Account) -> None:
    queue = account.queue()
    name = account.function(FAILING)
    # A minute lasts a second here, and the second try would come after one.
    account.aws.client("lambda").put_function_event_invoke_config(
        FunctionName=name, MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    send(account, name, {"bucket": account.name, "bad": 9})
    (message,) = account.messages(queue, 1)
    assert json.loads(message["Body"])["requestContext"]["condition"] == "EventAgeExceeded"


def test_events_that_wait_do_not_delay_the_end() -> None:
    timer = Timer()
    called: list[str] = []
    timer.after(0.05, called.append, "second")
    timer.after(0.0, called.append, "first")
    timer.after(60, called.append, "never")
    until(lambda: len(called) == 2)
    started = time.monotonic()
    timer.close()
    assert time.monotonic() - started < 30
    assert called == ["first", "second"]
    assert signature(LocalAWS).parameters["minute"].default == 60.0
