import json
import logging
import time
from typing import Any

import pytest

from tests.localaws.account import Account
from tests.waiting import until


def schedule(account: Account, expression: str, **more: Any) -> None:
    account.aws.client("events").put_rule(Name=account.name, ScheduleExpression=expression, **more)


def scheduled(account: Account, expression: str, **more: Any) -> str:
    """A scheduled rule's target: a queue. A minute lasts a second here."""
    queue = account.queue()
    schedule(account, expression, **more)
    account.aws.client("events").put_targets(Rule=account.name, Targets=[{"Id": "1", "Arn": queue}])
    return queue


def test_a_rate_sends_a_scheduled_event_each_period(account: Account) -> None:
    started = time.monotonic()
    queue = scheduled(account, "rate(1 minute)")
    messages = account.messages(queue, 3)
    # A minute lasts a second here; with minutes of the clock it would be three minutes.
    assert 2.9 < time.monotonic() - started < 90
    event = json.loads(messages[0]["Body"])
    assert event.pop("time").endswith("Z")
    assert event.pop("id") != json.loads(messages[1]["Body"])["id"]
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:123456789012:rule/{account.name}"],
        "detail": {},
    }


def test_a_rule_that_is_disabled_changed_or_deleted_later_is_seen(account: Account) -> None:
    events = account.aws.client("events")
    queue = scheduled(account, "rate(1 minute)", State="DISABLED")
    assert account.messages(queue, 1, seconds=1.5) == []
    events.enable_rule(Name=account.name)
    assert len(account.messages(queue, 1)) == 1
    schedule(account, "rate(1 hour)")
    # What was on its way.
    account.messages(queue, 9, seconds=1)
    assert account.messages(queue, 1, seconds=1.5) == []
    schedule(account, "rate(2 minutes)")
    assert len(account.messages(queue, 1)) == 1
    events.remove_targets(Rule=account.name, Ids=["1"])
    events.delete_rule(Name=account.name)
    assert account.messages(queue, 1, seconds=2.5) == []


def test_a_rule_that_is_put_again_as_it_was_keeps_its_pace(account: Account) -> None:
    queue = scheduled(account, "rate(1 minute)")

    def put_again() -> list[dict[str, Any]]:
        schedule(account, "rate(1 minute)")
        return account.messages(queue, 1, seconds=0.1)

    # None would come while it is put again, if each time the period began anew.
    until(put_again)


def test_cron_is_refused_once_in_the_log(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "localaws.events.schedules")
    schedule(account, "cron(0 12 * * ? *)")

    def refusals() -> list[str]:
        return [record.getMessage() for record in caplog.records if account.name in record.getMessage()]

    until(refusals)
    time.sleep(0.3)
    refused = refusals()
    assert refused == [f"rule {account.name}: cron(0 12 * * ? *) is not supported, only rate(...)"]
