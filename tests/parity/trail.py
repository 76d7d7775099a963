"""What a flow asked AWS for, out of local AWS's trail: the calls that change something, in their order.

Left out, because the other orchestrator has nothing like it: how work is handed to a machine and to its functions, and
what the starter writes down. Made equal, because each has to differ:

- the name of a SageMaker job: a state puts the number of the attempt behind it, the operator a time where the name is
  taken; and with the name, whatever is called after it, such as the trained model's URI;
- `Tags`: Step Functions marks the jobs that it waits for as its own;
- the value of the metric `CostUSD`: it follows the seconds that the jobs took;
- the order in which a job puts the objects of one folder: its Spark tasks run side by side.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

# The first call of any flow; before it come the deployment and the upload of the data.
_FIRST = "manifests/planned/"
_ORCHESTRATION = {("states", "StartExecution"), ("lambda", "Invoke")}
_BOOKKEEPING = re.compile(r"ledger/(?:versions|contents)/|raw/batches/[^/]+/_SUCCESS$")


def calls(trail: Path) -> list[tuple[str, str, Any]]:
    """Service, operation and parameters of each call, in order."""
    events = [json.loads(line) for line in trail.read_text().splitlines()]
    keys = [str((event["requestParameters"] or {}).get("key", "")) for event in events]
    first = next(place for place, key in enumerate(keys) if key.startswith(_FIRST))
    found = []
    for event, key in list(zip(events, keys, strict=True))[first:]:
        service, name = event["eventSource"].partition(".")[0], event["eventName"]
        if (service, name) not in _ORCHESTRATION and not _BOOKKEEPING.match(key):
            assert "errorCode" not in event, event
            parameters = {name: value for name, value in event["requestParameters"].items() if name != "tags"}
            found.append((service, name, _without_cost(parameters)))
    return [call for _, together in groupby(found, _place) for call in sorted(together, key=_key)]


def _without_cost(parameters: dict[str, Any]) -> dict[str, Any]:
    if "metricData" not in parameters:
        return parameters
    data = [
        metric | ({"value": None} if metric["metricName"] == "CostUSD" else {}) for metric in parameters["metricData"]
    ]
    return parameters | {"metricData": data}


def _place(call: tuple[str, str, Any]) -> tuple[str, ...]:
    """What calls have in common that may change places: the operation, and the folder in S3."""
    service, name, parameters = call
    return service, name, str(parameters.get("bucketName")), _key(call).rpartition("/")[0]


def _key(call: tuple[str, str, Any]) -> str:
    return str(call[2].get("key", ""))
