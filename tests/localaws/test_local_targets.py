import json
from typing import Any

import pytest

from localaws.events.input import transformed
from tests.localaws.account import Account

VALUES = {"key": "raw/a.csv", "size": 7, "made": {"etag": "x", "parts": [1, 2]}, "tags": ["a", "b"], "yes": True}
NOWHERE = "arn:aws:lambda:us-east-1:123456789012:function:nowhere"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{"key": <key>}', '{"key": "raw/a.csv"}'),
        ('{"key": "<key>"}', '{"key": "raw/a.csv"}'),
        ('{"told": "<key> has <size> bytes"}', '{"told": "raw/a.csv has 7 bytes"}'),
        ('{"size": <size>, "yes": <yes>}', '{"size": 7, "yes": true}'),
        ('{"object": <made>}', '{"object": {"etag": "x", "parts": [1, 2]}}'),
        ('{"tags": <tags>}', '{"tags": ["a", "b"]}'),
        ('{"told": "it is <made>"}', '{"told": "it is {etag: x, parts: [1, 2]}"}'),
        (r'{"told": "it is \"<key>\""}', r'{"told": "it is \"raw/a.csv\""}'),
        ('"<key> came"', '"raw/a.csv came"'),
        ('"<key>"\n"<size>"', '"raw/a.csv"\n"7"'),
        ('{"gone": <gone>, "told": "<gone>"}', '{"gone": "", "told": ""}'),
    ],
)
def test_a_template_is_filled_as_eventbridge_fills_it(template: str, text: str) -> None:
    assert transformed(template, VALUES) == text


def rule(account: Account, *targets: dict[str, Any]) -> None:
    events = account.aws.client("events")
    events.put_rule(Name=account.name, EventPattern=json.dumps({"source": [account.name]}))
    numbered = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    assert events.put_targets(Rule=account.name, Targets=numbered)["FailedEntryCount"] == 0


def send(account: Account, **detail: Any) -> str:
    entry = {"Source": account.name, "DetailType": "Test", "Detail": json.dumps(detail)}
    event_id: str = account.aws.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"]
    return event_id


def rule_arn(account: Account) -> str:
    return f"arn:aws:events:us-east-1:123456789012:rule/{account.name}"


def test_a_queue_gets_the_whole_event_a_part_a_constant_or_what_a_template_makes(account: Account) -> None:
    names = ("whole", "part", "constant", "made")
    whole, part, constant, made = (account.queue(name) for name in names)
    paths = {"key": "$.detail.object.key", "object": "$.detail.object", "gone": "$.detail.gone"}
    template = (
        '{"key": <key>, "told": "<key> in <aws.events.rule-name>", "object": <object>, "gone": <gone>,'
        ' "rule": <aws.events.rule-arn>, "event": <aws.events.event.json>}'
    )
    rule(
        account,
        {"Arn": whole},
        {"Arn": part, "InputPath": "$.detail"},
        {"Arn": constant, "Input": '{"a": 1}'},
        {"Arn": made, "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}},
    )
    event_id = send(account, object={"key": "ä b"})
    got = [json.loads(account.messages(queue, 1)[0]["Body"]) for queue in (whole, part, constant, made)]
    event = got[0]
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "Test",
        "source": account.name,
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [],
        "detail": {"object": {"key": "ä b"}},
    }
    assert got[1:3] == [{"object": {"key": "ä b"}}, {"a": 1}]
    assert got[3].pop("event")["id"] == event_id
    assert got[3] == {
        "key": "ä b",
        "told": f"ä b in {account.name}",
        "object": {"key": "ä b"},
        "gone": "",
        "rule": rule_arn(account),
    }


def test_a_topic_a_log_group_and_a_bus_are_targets_too(account: Account) -> None:
    heard, logs, group = account.queue("heard"), account.aws.client("logs"), f"/aws/events/{account.name}"
    topic = account.aws.client("sns").create_topic(Name=account.name)["TopicArn"]
    account.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard)
    logs.create_log_group(logGroupName=group)
    events, other = account.aws.client("events"), account.queue("other")
    bus = events.create_event_bus(Name=account.name)["EventBusArn"]
    events.put_rule(Name="all", EventBusName=account.name, EventPattern=json.dumps({"source": [account.name]}))
    events.put_targets(Rule="all", EventBusName=account.name, Targets=[{"Id": "1", "Arn": other}])
    group_arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"
    rule(account, {"Arn": topic}, {"Arn": group_arn}, {"Arn": bus})
    event_id = send(account, day="monday")
    (message,) = account.messages(heard, 1)
    assert json.loads(json.loads(message["Body"])["Message"])["id"] == event_id
    (forwarded,) = account.messages(other, 1)
    assert json.loads(forwarded["Body"])["detail"] == {"day": "monday"}
    (line,) = logs.filter_log_events(logGroupName=group)["events"]
    assert json.loads(line["message"])["id"] == event_id


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: told["StringValue"] for name, told in message["MessageAttributes"].items()}


def test_what_a_target_cannot_get_goes_to_its_dead_letter_queue(account: Account) -> None:
    dead, machine = account.queue("dead"), account.machine("done", done={"Type": "Succeed"})
    config = {"DeadLetterConfig": {"Arn": dead}}
    rule(account, {"Arn": NOWHERE, **config}, {"Arn": f"{machine}-not", **config}, {"Arn": machine, **config})
    event_id = send(account, day="monday")
    messages = account.messages(dead, 2)
    assert [json.loads(message["Body"])["id"] for message in messages] == [event_id] * 2
    told = {attributes(message)["TARGET_ARN"]: attributes(message) for message in messages}
    assert told.keys() == {NOWHERE, f"{machine}-not"}
    for each in told.values():
        assert each["RULE_ARN"] == rule_arn(account)
        assert each["ERROR_CODE"] == "NO_RESOURCE"
        assert each["ERROR_MESSAGE"]
    assert account.messages(dead, 1, seconds=0.3) == []


def test_input_that_is_no_json_is_the_targets_failure(account: Account) -> None:
    dead, machine = account.queue("dead"), account.machine("done", done={"Type": "Succeed"})
    broken = {"InputTransformer": {"InputTemplate": "<aws.events.rule-name> came"}}
    rule(account, {"Arn": machine, "DeadLetterConfig": {"Arn": dead}, **broken})
    send(account, day="monday")
    (message,) = account.messages(dead, 1)
    assert attributes(message)["ERROR_CODE"] == "INVALID_JSON"


def test_what_a_rule_starts_is_a_call_of_eventbridge(account: Account) -> None:
    machine, done = account.machine("done", done={"Type": "Succeed"}), account.queue()
    rule(account, {"Arn": machine}, {"Arn": done})
    send(account, day="monday")
    assert account.messages(done, 1)
    (event,) = [event for event in account.aws.trail if event["requestParameters"].get("stateMachineArn") == machine]
    assert (event["eventName"], event["userAgent"]) == ("StartExecution", "events.amazonaws.com")
