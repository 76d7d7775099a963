"""The Lambda entry point of what arrives: an object → one execution; a clock or an ended execution → the sweep."""

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
from complaints.aws.bucket import Bucket
from complaints.settings import Settings, load_settings

STARTER_FUNCTION = "ptmlops-starter"
# An event of these kinds says nothing but: look.
_SWEEPS = {("aws.events", "Scheduled Event"), ("aws.states", "Step Functions Execution Status Change")}

log = logging.getLogger(__name__)


def on_event(event: Any, _context: object) -> dict[str, Any]:
    """Starts what the event tells of, by the function's environment; returns the outcome for each object.

    An event that can never start anything goes to the dead-letter queue with the reason, and counts as done. Any other
    error is raised, so that Lambda tries again, and then puts the event there itself.
    """
    logging.getLogger().setLevel(logging.INFO)
    settings, environment = load_settings(), os.environ
    region = settings.pipeline.aws.region
    starter = starter_of(settings, environment["STATE_MACHINE_ARN"], int(environment["MAX_EXECUTIONS"]))
    outcomes = []
    try:
        for outcome in taken_up(event, starter):
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
    """The starter of an environment."""
    region, storage = settings.pipeline.aws.region, settings.pipeline.storage
    s3, machines = (boto3.client(name, region_name=region) for name in ("s3", "stepfunctions"))
    return Starter(Bucket(s3, storage.bucket), machines, machine_arn, storage, limit)


def taken_up(event: Any, starter: Starter) -> Iterable[Outcome]:
    """What becomes of everything that the event is about.

    Raises:
        ArrivalError: the event is none of those that are known, or its object can never be classified.
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
            rejected.append(str(error))  # the other records of the event have a right to be started
    if rejected:
        raise ArrivalError("; ".join(rejected))


def metric(outcome: str) -> str:
    """One line of log that CloudWatch counts as a metric, in its embedded metric format."""
    directive = {
        "Namespace": "PTMLops",
        "Dimensions": [["Outcome"]],
        "Metrics": [{"Name": "Arrivals", "Unit": "Count"}],
    }
    told = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": told, "Outcome": outcome, "Arrivals": 1})
