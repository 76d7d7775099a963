"""The Lambda entry point of arrivals: an object starts one execution; a clock and ended executions start a sweep."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import boto3

from complaints.arrivals.events import ArrivalError, arrivals_of
from complaints.arrivals.starting import Outcome, Starter
from complaints.aws import embedded_metrics
from complaints.aws.bucket import Bucket
from complaints.settings import Settings, load_settings

STARTER_FUNCTION = "ptmlops-starter"
# Events of these kinds start a sweep.
_SWEEPS = {("aws.events", "Scheduled Event"), ("aws.states", "Step Functions Execution Status Change")}

log = logging.getLogger(__name__)


def on_event(event: Any, _context: object) -> dict[str, Any]:
    """Starts an execution for each object of the event; returns the outcome for each.

    An event that can never start anything goes to the dead-letter queue with the reason, and the call succeeds. Any
    other error is raised: Lambda retries the event, and then sends it to the queue itself.
    """
    logging.getLogger().setLevel(logging.INFO)
    settings, environment = load_settings(), os.environ
    region = settings.pipeline.aws.region
    starter = starter_of(settings, environment["STATE_MACHINE_ARN"], int(environment["MAX_EXECUTIONS"]))
    outcomes = []
    try:
        for outcome in outcomes_of(event, starter):
            outcomes.append(outcome)
            print(metric(outcome.outcome), flush=True)
    except ArrivalError as error:
        outcomes.append(Outcome("", "rejected", str(error)))
        log.error("rejected: %s", error)
        body = json.dumps({"reason": str(error), "event": event})
        queue = boto3.client("sqs", region_name=region)
        queue.send_message(QueueUrl=environment["DEAD_LETTER_QUEUE_URL"], MessageBody=body)
        print(metric("rejected"), flush=True)
    return {"outcomes": [asdict(each) for each in outcomes]}


def starter_of(settings: Settings, machine_arn: str, limit: int) -> Starter:
    """The starter of the settings' environment."""
    region, bucket = settings.pipeline.aws.region, settings.pipeline.storage.bucket
    s3, machines = (boto3.client(name, region_name=region) for name in ("s3", "stepfunctions"))
    return Starter(Bucket(s3, bucket), machines, machine_arn, settings.pipeline, limit)


def outcomes_of(event: Any, starter: Starter) -> Iterable[Outcome]:
    """Handles the event; yields the outcome for each object.

    Raises:
        ArrivalError: the event is of an unknown kind, or its object can never be classified.
    """
    if not isinstance(event, Mapping):
        raise ArrivalError(f"an event is a JSON object, not {type(event).__name__}")
    if (event.get("source"), event.get("detail-type")) in _SWEEPS:
        yield from starter.sweep()
        return
    rejected = []
    for arrival in arrivals_of(event):
        try:
            yield starter.arrived(arrival)
        except ArrivalError as error:
            rejected.append(str(error))  # the other records of the event are started all the same
    if rejected:
        raise ArrivalError("; ".join(rejected))


def metric(outcome: str) -> str:
    """The log line that counts an arrival by its outcome."""
    return embedded_metrics.line({"Outcome": outcome}, {"Arrivals": (1, "Count")}, time.time())
