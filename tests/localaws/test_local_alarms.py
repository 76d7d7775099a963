"""CloudWatch's alarms: the state by the data points, and the event of each change. A minute lasts a second here."""

import json
import logging

import pytest

from localaws.cloudwatch.evaluation import Condition, evaluated
from tests.localaws.account import Account
from tests.waiting import until

FLOW = [{"Name": "Flow", "Value": "complaints_classification"}]


@pytest.mark.parametrize(
    ("values", "missing", "state"),
    [
        ([0.05], "missing", "ALARM"),
        ([0.04], "missing", "OK"),
        ([None], "missing", "INSUFFICIENT_DATA"),
        ([None], "notBreaching", "OK"),
        ([None], "breaching", "ALARM"),
        ([None], "ignore", "before"),
    ],
)
def test_one_period_decides_by_its_value_or_by_what_a_missing_one_counts_as(
    values: list[float | None], missing: str, state: str
) -> None:
    condition = Condition("GreaterThanOrEqualToThreshold", 0.05, 1, missing)
    assert evaluated(values, condition, "before")[0] == state


@pytest.mark.parametrize(
    ("comparison", "raised_by"),
    [
        ("GreaterThanThreshold", [2.0]),
        ("GreaterThanOrEqualToThreshold", [1.0, 2.0]),
        ("LessThanThreshold", [0.0]),
        ("LessThanOrEqualToThreshold", [0.0, 1.0]),
    ],
)
def test_each_comparison_raises_the_alarm_on_its_side_of_the_threshold(comparison: str, raised_by: list[float]) -> None:
    condition = Condition(comparison, 1.0, 1)
    assert [value for value in (0.0, 1.0, 2.0) if evaluated([value], condition, "OK")[0] == "ALARM"] == raised_by


def test_of_the_last_periods_as_many_as_are_asked_for_must_breach() -> None:
    three_of_five = Condition("LessThanThreshold", 0.7, 3, "notBreaching")
    assert evaluated([0.6, None, 0.6, 0.9, 0.9], three_of_five, "OK")[0] == "OK"
    state, reason = evaluated([0.6, None, 0.6, 0.9, 0.65], three_of_five, "OK")
    assert (state, reason) == (
        "ALARM",
        "Threshold Crossed: 3 out of the last 5 datapoints [0.6, 0.6, 0.9, 0.65] were less than the threshold (0.7).",
    )


def alarm(account: Account) -> str:
    """An alarm like that of the stack, over a period of a second; the queue of the events of its changes."""
    queue = account.queue()
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [account.name]}}
    events = account.aws.client("events")
    events.put_rule(Name=account.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=account.name, Targets=[{"Id": "1", "Arn": queue}])
    account.aws.client("cloudwatch").put_metric_alarm(
        AlarmName=account.name,
        Namespace=account.name,
        MetricName="LabelledDrop",
        Dimensions=FLOW,
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.05,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return queue


def put(account: Account, value: float, dimensions: list[dict[str, str]] = FLOW) -> None:
    datum = {"MetricName": "LabelledDrop", "Dimensions": dimensions, "Value": value}
    account.aws.client("cloudwatch").put_metric_data(Namespace=account.name, MetricData=[datum])


def changes(account: Account, queue: str, number: int) -> list[tuple[str, str]]:
    """The states before and after each change, in their order."""
    details = [json.loads(message["Body"])["detail"] for message in account.messages(queue, number)]
    return [(each["previousState"]["value"], each["state"]["value"]) for each in details]


def test_new_data_raise_an_alarm_their_age_ends_it_and_each_change_is_an_event(account: Account) -> None:
    queue = alarm(account)
    put(account, 0.2, [{"Name": "Flow", "Value": "another"}])
    put(account, 0.2, [])
    put(account, 0.01)
    for _ in range(2):
        put(account, 0.2)
        assert sorted(changes(account, queue, 2)) == [("ALARM", "OK"), ("OK", "ALARM")]
    assert account.messages(queue, 1, seconds=1.5) == []


def test_a_state_that_was_set_lasts_until_the_next_evaluation(account: Account) -> None:
    queue = alarm(account)
    cloudwatch = account.aws.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=account.name, StateValue="ALARM", StateReason="to try it")
    assert sorted(changes(account, queue, 2)) == [("ALARM", "OK"), ("OK", "ALARM")]


def test_an_alarm_that_is_not_imitated_keeps_its_state_and_the_log_says_so_once(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "localaws.cloudwatch"):
        account.aws.client("cloudwatch").put_metric_alarm(
            AlarmName=account.name,
            Metrics=[
                {"Id": "all", "Expression": "SUM(METRICS())", "ReturnData": True},
                {
                    "Id": "m1",
                    "ReturnData": False,
                    "MetricStat": {
                        "Stat": "Sum",
                        "Period": 60,
                        "Metric": {"Namespace": account.name, "MetricName": "LabelledDrop", "Dimensions": FLOW},
                    },
                },
            ],
            EvaluationPeriods=1,
            Threshold=0.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        put(account, 0.2)
        said = f"alarm {account.name} is not evaluated: local AWS does not imitate metric math (Metrics)"
        until(lambda: said in caplog.messages, "the warning")
    found = account.aws.client("cloudwatch").describe_alarms(AlarmNames=[account.name])["MetricAlarms"]
    assert [each["StateValue"] for each in found] == ["OK"]
