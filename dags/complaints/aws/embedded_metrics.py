"""Log lines that CloudWatch counts as metrics: its embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
Only where the line is the whole log event: in Lambda's standard output, and not in a task's log on MWAA.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NAMESPACE = "PTMLops"


def line(dimensions: Mapping[str, str], values: Mapping[str, tuple[float, str]], at: float, **properties: Any) -> str:
    """One JSON line with these metrics, each a value and its unit.

    `at` is in seconds since 1970. `properties` can be searched in the log, and make no metric of their own.
    """
    metrics = [{"Name": name, "Unit": unit} for name, (_, unit) in values.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}
    return json.dumps(
        {
            "_aws": {"Timestamp": int(at * 1000), "CloudWatchMetrics": [directive]},
            **properties,
            **dimensions,
            **{name: value for name, (value, _) in values.items()},
        }
    )
