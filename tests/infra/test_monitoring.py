"""Alarms and the dashboard show metrics that somebody emits, and lead to runbooks that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.monitoring.metrics import HEARTBEAT, LABELLED_DROP, NAMESPACE, metric_data, run_data
from complaints.runs.accounting import CLASSIFICATION_FATES
from complaints.settings import load_settings
from localaws.cloudformation.declarations import Declaration, declare
from localaws.cloudformation.templates import read_template
from stepfunctions.handlers.observed import observed
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
    "mean_confidence": 0.8,
    "violations": [],
    "signals": {"classes": {"moved": False}},
    "estimated_accuracy": {"estimate": 0.9},
    "delayed_accuracy": {"accuracy": {"estimate": 0.9}},
    "recent_accuracy": {"drop": {"estimate": 0.1, "low": 0.05}},
}


MANIFEST = {"run_id": "0", "account": {"rows_in": 4, "quarantined": 1}}
COST = {"recorded": {"usd": 0.05}}


def of_a_run() -> dict[str, list[dict[str, str]]]:
    """The dimensions of each metric that the monitoring of a run puts."""
    return {each["MetricName"]: each["Dimensions"] for each in [*metric_data(ASSESSMENT), *run_data(MANIFEST, COST)]}


def in_logs(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, Any]]:
    """The directive of each line of the functions' logs that CloudWatch takes metrics from."""
    rows = dict.fromkeys(("rows_in", *CLASSIFICATION_FATES), 1)
    observed("complaints.tasks.classification.results_add_up", {}, lambda: rows)
    observed("complaints.tasks.overdue.overdue_transforms", {}, lambda: {"overdue_transforms": 0})
    for line in [metric("started"), *capsys.readouterr().out.splitlines()]:
        (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
        yield directive


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


def test_every_metric_of_ours_that_is_shown_is_emitted(capsys: pytest.CaptureFixture[str]) -> None:
    emitted, logged = of_a_run(), [*in_logs(capsys)]
    assert {each["Namespace"] for each in logged} == {NAMESPACE}
    for namespace, name, dimensions in shown():
        if namespace in SERVICES:
            metrics, keys = SERVICES[namespace]
            assert name in metrics
            assert {*dimensions} == keys
        elif name in emitted:
            assert namespace == NAMESPACE
            assert [{"Name": key, "Value": value} for key, value in dimensions.items()] == emitted[name]
        else:
            (found,) = (each for each in logged if name in [of["Name"] for of in each["Metrics"]])
            assert [[*dimensions]] == found["Dimensions"], name


def test_every_figure_that_a_window_has_is_on_the_dashboard() -> None:
    assert of_a_run().keys() <= {name for _, name, _ in shown()}


def test_the_figures_of_a_run_are_its_share_of_quarantined_rows_and_its_cost_where_it_is_known() -> None:
    assert {each["MetricName"]: each["Value"] for each in run_data(MANIFEST, COST)} == {
        "QuarantineRate": 0.25,
        "CostUSD": 0.05,
    }
    assert run_data({"account": {"rows_in": 0, "quarantined": 0}}, None) == []


def test_every_flow_that_may_fail_is_in_the_alarm_of_failed_runs_and_on_the_dashboard() -> None:
    machines = {path.name.partition(".")[0] for path in (ROOT / "stepfunctions").glob("*.asl.json")}
    for metric_name in ("ExecutionsFailed", "ExecutionsSucceeded"):
        arns = {of["StateMachineArn"] for _, name, of in shown() if name == metric_name}
        assert {arn.rpartition(":")[2] for arn in arns} == machines
    alarm = [of for of in resources()["FailedRun"]["Metrics"] if "MetricStat" in of]
    assert len(alarm) == len(machines)


def test_every_alarm_tells_the_topic_and_links_a_runbook_that_is_deployed() -> None:
    alarms = [each for each in resources().values() if "AlarmName" in each]
    assert len(alarms) == 10
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
