"""Which of the objects that lie in the bucket are due: without an entry in the ledger, so that a run is to be started.

The twin of `starting.Starter.sweep`, for an orchestrator that has no events and asks again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from complaints.arrivals.events import Arrival, ArrivalError, why_ignored
from complaints.arrivals.ledger import AIRFLOW, Ledger
from complaints.arrivals.starting import current_objects
from complaints.aws.bucket import Bucket
from complaints.settings import Storage

IsAlive = Callable[[str], bool]


@dataclass(frozen=True)
class Due:
    """One arrival, and what is to become of it: a run, or only an entry in the ledger with the reason.

    `run` is what the ledger is to name: the run to start, or for a duplicate that of the object with the same bytes.
    """

    arrival: Arrival
    outcome: Literal["start", "duplicate", "rejected"]
    run: str
    reason: str = ""

    @property
    def noted(self) -> str:
        """The outcome, in the ledger's words."""
        return {"start": "started", "duplicate": self.reason, "rejected": f"rejected: {self.reason}"}[self.outcome]


def due_arrivals(bucket: Bucket, storage: Storage, is_alive: IsAlive) -> Iterator[Due]:
    """What is due now, oldest first. What is to be ignored is not; nothing is written.

    `is_alive`: whether a run of Airflow, by its id, waits, runs or has succeeded.
    """
    ledger = Ledger(bucket)
    known = ledger.names()
    first_of: dict[tuple[str, int], Arrival] = {}
    for arrival in current_objects(bucket, storage.raw):
        try:
            if arrival.execution_name in known or why_ignored(arrival, storage):
                continue
        except ArrivalError as error:
            yield Due(arrival, "rejected", "", str(error))
            continue
        before = first_of.setdefault((arrival.etag, arrival.size), arrival)
        if arrival.size and before != arrival:
            yield _duplicate(arrival, before.key, run_of(before))
        elif (first := ledger.same_bytes(arrival)) and _counts(first["execution_arn"], is_alive, ledger, first):
            yield _duplicate(arrival, first["key"], first["execution_arn"])
        else:
            yield Due(arrival, "start", run_of(arrival))


def run_id(arrival: Arrival) -> str:
    """The id of the one run of Airflow for an arrival."""
    return f"arrival__{arrival.execution_name}"


def run_of(arrival: Arrival) -> str:
    """That run, as the ledger names it."""
    return f"{AIRFLOW}{run_id(arrival)}"


def _counts(run: str, is_alive: IsAlive, ledger: Ledger, first: dict[str, object]) -> bool:
    """Whether the run of an object with the same bytes makes another one unnecessary."""
    # Of another orchestrator's run only what it published can be seen.
    return is_alive(run.removeprefix(AIRFLOW)) if run.startswith(AIRFLOW) else ledger.has_published(first)


def _duplicate(arrival: Arrival, key: str, run: str) -> Due:
    return Due(arrival, "duplicate", run, f"duplicate of {key}")
