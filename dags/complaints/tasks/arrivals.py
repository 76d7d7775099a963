"""The Python tasks of the DAG that starts what arrives: what is due, and what was started."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import boto3

from complaints.arrivals.due import IsAlive, due_arrivals, run_id, run_of
from complaints.arrivals.events import Arrival
from complaints.arrivals.ledger import Ledger
from complaints.aws.bucket import Bucket
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)

# Airflow refuses to map a task over more than 1,024 (core.max_map_length); the rest has its turn in the next run.
MOST_AT_ONCE = 100


def is_anything_due(is_alive: IsAlive) -> bool:
    """Whether `to_start` would find anything to start or to note."""
    settings = load_settings()
    return any(due_arrivals(_bucket(settings), settings.pipeline.storage, is_alive))


def to_start(is_alive: IsAlive) -> list[dict[str, Any]]:
    """The arrivals to start: each as `arrival`, and as `run` what TriggerDagRunOperator needs.

    Duplicates, and names that may not be read, are noted in the ledger here, so that each is told once.
    """
    settings = load_settings()
    bucket, storage = _bucket(settings), settings.pipeline.storage
    ledger, found = Ledger(bucket), []
    for due in islice(due_arrivals(bucket, storage, is_alive), MOST_AT_ONCE):
        if due.outcome == "start":
            run = {"trigger_run_id": run_id(due.arrival), "conf": due.arrival.source(storage)}
            found.append({"arrival": asdict(due.arrival), "run": run})
            continue
        log.log(logging.WARNING if due.outcome == "rejected" else logging.INFO, "%s: %s", due.arrival.key, due.noted)
        ledger.remember(due.arrival, due.run, due.noted)
    return found


def remember(started: Sequence[Mapping[str, Any]]) -> list[str]:
    """Notes in the ledger what `to_start` found, once it has been started; returns the keys."""
    ledger = Ledger(_bucket(load_settings()))
    for each in started:
        arrival = Arrival(**each["arrival"])
        ledger.remember(arrival, run_of(arrival), "started")
    return [each["arrival"]["key"] for each in started]


def _bucket(settings: Settings) -> Bucket:
    client = boto3.client("s3", region_name=settings.pipeline.aws.region)
    return Bucket(client, settings.pipeline.storage.bucket)
