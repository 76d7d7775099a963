"""The figures of a window as CloudWatch metrics, for dashboards and alarms; without them nothing else changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

NAMESPACE = "PTMLops"


def metric_data(assessment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """PutMetricData's `MetricData`: one value for each figure that the window has."""
    signals = assessment["signals"]
    estimate, labelled = assessment["estimated_accuracy"], assessment["delayed_accuracy"].get("accuracy")
    figures = {
        "Complaints": assessment["n"],
        "Violations": len(assessment["violations"]),
        "MovedSignals": None if signals is None else sum(bool(each["moved"]) for each in signals.values()),
        "EstimatedAccuracy": estimate and estimate["estimate"],
        "LabelledAccuracy": labelled and labelled["estimate"],
    }
    dimensions = [{"Name": "Flow", "Value": "complaints_classification"}]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Value": float(value)}
        for name, value in figures.items()
        if value is not None
    ]


def put(cloudwatch: Any, assessment: Mapping[str, Any]) -> None:
    """PutMetricData; an error is logged, and fails nothing: the figures are in S3."""
    try:
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=metric_data(assessment))
    except (BotoCoreError, ClientError) as error:
        log.warning("no metrics of run %s in CloudWatch: %s", assessment["run_id"], error)
