"""Alarms and the dashboard show metrics that somebody emits, and lead to runbooks that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from complaints.monitoring.metrics import HEARTBEAT, LABELLED_DROP, NAMESPACE, metric_data
from complaints.settings import load_settings
from localaws.cloudformation.declarations import Declaration, declare
from localaws.cloudformation.templates import read_template
from stepfunctions.handlers.starter import metric
from stepfunctions.handlers.steps import ALARM_CHANGE
from tests.campaign.faults import Fault, injects

ROOT = Path(__file__).parents[2]
# Those that AWS's services emit by themselves: their metrics that are used, each with the names of its dimensions.
SERVICES = {
    "AWS/States": ({"ExecutionsFailed", "ExecutionsSucceeded"}, {"StateMachineArn"}),
    "AWS/Lambda": ({"Errors", "Throttles"}, {"FunctionName"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {"QueueName"}),
}
ASSESSMENT = {
    "n": 1,
    "violations": [],
    "signals": {"classes": {"moved": False}},
    "estimated_accuracy": {"estimate": 0.9},
    "delayed_accuracy": {"accuracy": {"estimate": 0.9}},
    "recent_accuracy": {"drop": {"estimate": 0.1, "low": 0.05}},
}


def declaration() -> Declaration:
    template = read_template((ROOT / "infra" / "monitoring.yaml").read_text(encoding="utf-8"))
    given = {"BucketName": "bucket", "TopicArn": "topic", "ExpectDailyRuns": "true"}
    return declare(template, given, "id", "name", "us-east-1")


def resources() -> dict[str, dict[str, Any]]:
    found = declaration()
    return {name: found.properties(each, {}) for name, each in found.resources.items()}


def shown() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric in the template."""
    for name, each in resources().items():
        if name == "Dashboard":
            for widget in json.loads(each["DashboardBody"])["widgets"]:
                for namespace, title, *dimensions in widget["properties"]["metrics"]:
                    yield namespace, title, dict(zip(dimensions[::2], dimensions[1::2], strict=True))
        metrics = [of["MetricStat"]["Metric"] for of in each.get("Metrics", []) if "MetricStat" in of]
        for one in [each] * ("MetricName" in each) + metrics:
            yield one["Namespace"], one["MetricName"], {of["Name"]: of["Value"] for of in one["Dimensions"]}


def test_every_metric_of_ours_that_is_shown_is_emitted() -> None:
    emitted = {each["MetricName"]: each["Dimensions"] for each in metric_data(ASSESSMENT)}
    (directive,) = json.loads(metric("started"))["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    for namespace, name, dimensions in shown():
        if namespace in SERVICES:
            metrics, keys = SERVICES[namespace]
            assert name in metrics
            assert {*dimensions} == keys
        elif name in emitted:
            assert namespace == NAMESPACE
            assert [{"Name": key, "Value": value} for key, value in dimensions.items()] == emitted[name]
        else:
            assert [name] == [each["Name"] for each in directive["Metrics"]]
            assert [[*dimensions]] == directive["Dimensions"]


def test_every_figure_that_a_window_has_is_on_the_dashboard() -> None:
    assert {each["MetricName"] for each in metric_data(ASSESSMENT)} <= {name for _, name, _ in shown()}


def test_every_alarm_tells_the_topic_and_links_a_runbook_that_is_deployed() -> None:
    alarms = [each for each in resources().values() if "AlarmName" in each]
    assert len(alarms) == 8
    for each in alarms:
        assert each["AlarmActions"] == ["topic"]
        link = re.search(r"https://\S+\?region=us-east-1&prefix=runbooks/(\S+)$", each["AlarmDescription"])
        assert link, each["AlarmDescription"]
        assert (ROOT / "docs" / "flows" / link[1]).exists()


@injects(Fault.MONITORING_MISSING)
def test_a_day_without_a_monitored_run_is_an_alarm_since_no_figure_counts_as_too_few() -> None:
    missing = resources()["MissingRun"]
    assert (missing["MetricName"], missing["TreatMissingData"], missing["Period"]) == (HEARTBEAT, "breaching", 86400)
    assert (missing["Statistic"], missing["ComparisonOperator"]) == ("SampleCount", "LessThanThreshold")


def test_the_alarm_that_may_retrain_is_the_one_that_the_rule_knows_and_has_the_limit_of_the_decision() -> None:
    template = read_template((ROOT / "infra" / "pipeline.yaml").read_text(encoding="utf-8"))
    pattern = template["Resources"]["Alarms"]["Properties"]["EventPattern"]
    assert pattern["detail-type"] == [ALARM_CHANGE]
    drop = resources()["LabelledDrop"]
    assert pattern["detail"]["alarmName"] == [{"Fn::Sub": drop["AlarmName"].replace("ptmlops", "${Prefix}")}]
    assert (drop["MetricName"], float(drop["Threshold"])) == (LABELLED_DROP, load_settings().model.monitoring.max_drop)


def test_a_drop_within_its_interval_is_none() -> None:
    within = {**ASSESSMENT, "recent_accuracy": {"drop": {"estimate": 0.2, "low": -0.01}}}
    assert {each["MetricName"]: each["Value"] for each in metric_data(within)}[LABELLED_DROP] == 0


def test_widgets_do_not_lie_on_each_other() -> None:
    widgets = json.loads(resources()["Dashboard"]["DashboardBody"])["widgets"]
    cells = [(x, y) for each in widgets for x in range(each["x"], each["x"] + each["width"]) for y in [each["y"]]]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
