"""The figures of a window as CloudWatch metrics, for dashboards and alarms; without them nothing else changes.

`MonitoredRuns` is the heartbeat: its absence raises an alarm. `LabelledDrop` is a drop of accuracy beyond its interval,
and 0 without one, so that an alarm may have a fixed threshold: the greater one, of this and the last windows, and of
answers that were published before their labels came. `QuarantineRate` and `CostUSD` are those of the classification
itself, also of one with nothing to assess.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

NAMESPACE = "PTMLops"
DIMENSIONS = [{"Name": "Flow", "Value": "complaints_classification"}]
HEARTBEAT, LABELLED_DROP = "MonitoredRuns", "LabelledDrop"


def metric_data(assessment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """PutMetricData's `MetricData`: one value for each figure that the window has."""
    signals = assessment["signals"]
    estimate, labelled = assessment["estimated_accuracy"], assessment["delayed_accuracy"].get("accuracy")
    measured = [assessment["recent_accuracy"], *assessment.get("published_accuracy", {}).values()]
    drops = [each["drop"] for each in measured if each.get("drop")]
    figures = {
        HEARTBEAT: 1,
        "Complaints": assessment["n"],
        "MeanConfidence": assessment["mean_confidence"],
        "Violations": len(assessment["violations"]),
        "MovedSignals": None if signals is None else sum(bool(each["moved"]) for each in signals.values()),
        "EstimatedAccuracy": estimate and estimate["estimate"],
        "LabelledAccuracy": labelled and labelled["estimate"],
        LABELLED_DROP: max((each["estimate"] if each["low"] > 0 else 0 for each in drops), default=None),
    }
    return [_datum(name, value) for name, value in figures.items() if value is not None]


def _datum(name: str, value: float) -> dict[str, Any]:
    return {"MetricName": name, "Dimensions": DIMENSIONS, "Value": float(value)}


def run_data(manifest: Mapping[str, Any], cost: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The same of the run itself: of its manifest, and of the record of its cost, if there is one."""
    account = manifest["account"]
    figures = {
        "QuarantineRate": account["quarantined"] / account["rows_in"] if account["rows_in"] else None,
        "CostUSD": (cost or {}).get("recorded", {}).get("usd"),
    }
    return [_datum(name, value) for name, value in figures.items() if value is not None]


def put(
    cloudwatch: Any,
    manifest: Mapping[str, Any],
    cost: Mapping[str, Any] | None,
    assessment: Mapping[str, Any] | None = None,
) -> None:
    """Puts the figures of a run, and of its assessment if there was one.

    An error is logged, and fails nothing: the figures are in S3.
    """
    run_id = manifest["run_id"]
    data = [*run_data(manifest, cost), *(metric_data(assessment) if assessment else [_datum(HEARTBEAT, 1)])]
    try:
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
    except (BotoCoreError, ClientError) as error:
        log.warning("no metrics of run %s in CloudWatch: %s", run_id, error)
