"""The Python tasks of `complaints_arrivals`: what to start, and what was started."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from complaints.arrivals.dag_runs import DagRuns, StateOf
from complaints.arrivals.decision import Decision, Decisions
from complaints.arrivals.events import Arrival
from complaints.arrivals.ledger import Ledger
from complaints.aws.clients import environment_bucket
from complaints.aws.objects import ObjectVersion
from complaints.settings import load_settings

log = logging.getLogger(__name__)

# Airflow maps a task over at most 1,024 items (core.max_map_length); the next run starts the rest.
MOST_AT_ONCE = 100


def is_anything_due(state_of: StateOf) -> bool:
    """True if `to_start` would find anything to start or to record."""
    return any(_due(state_of))


def to_start(state_of: StateOf) -> list[dict[str, Any]]:
    """The arrivals to start: `arrival` for the ledger, and `run` for TriggerDagRunOperator.

    Duplicates and unreadable names are recorded in the ledger here, so each is logged once. `state_of` returns the
    state of a run of the classification by its id.
    """
    settings = load_settings()
    ledger, found = Ledger(environment_bucket(settings)), []
    for decision in islice(_due(state_of), MOST_AT_ONCE):
        arrival = decision.arrival
        if decision.outcome == "start":
            run = {"trigger_run_id": decision.run.id, "conf": arrival.source(settings.pipeline.storage)}
            found.append({"arrival": asdict(arrival), "run": run})
            continue
        level = logging.WARNING if decision.outcome == "rejected" else logging.INFO
        log.log(level, "%r: %s", arrival.key, decision.entry)
        ledger.remember(arrival, decision.run, decision.entry)
    return found


def remember(started: Sequence[Mapping[str, Any]]) -> list[str]:
    """Records in the ledger what was started, as `to_start` returned it; returns the keys."""
    ledger = Ledger(environment_bucket(load_settings()))
    for each in started:
        arrival = Arrival(each["arrival"]["bucket"], ObjectVersion(**each["arrival"]["object"]))
        ledger.remember(arrival, DagRuns.run_of(arrival), "started")
    return [each["arrival"]["object"]["key"] for each in started]


def _due(state_of: StateOf) -> Iterator[Decision]:
    settings = load_settings()
    decisions = Decisions(
        environment_bucket(settings),
        settings.pipeline.storage,
        DagRuns(state_of),
        longest_run=settings.pipeline.orchestration.run_timeout,
    )
    return (decision for decision in decisions.all_due() if decision.outcome != "pending")
