"""The decision about an arrival: start a run, or the reason why not. Both orchestrators use it.

| the arrival | outcome |
|---|---|
| is not complaints, or is in the wrong place | `ignored` |
| has a name that no run may read | `rejected` |
| has an entry in the ledger | `known` |
| has the bytes of another object whose run has succeeded | `duplicate` |
| has the bytes of another object whose run has not ended | `pending`: it is decided again later |
| anything else, also a duplicate whose first run has failed | `start` |

A duplicate enters the ledger only once the first run has succeeded. Until then nothing is recorded, so a file that was
renamed while its run was under way is started when that run fails. Of the other orchestrator's run only the published
results are visible: without them it has failed once no run can still be under way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from complaints.arrivals.events import Arrival, ArrivalError, why_ignored
from complaints.arrivals.ledger import Entry, Ledger, Run
from complaints.aws.bucket import Bucket
from complaints.aws.objects import oldest_first
from complaints.settings import Storage

RunState = Literal["running", "succeeded", "failed"]


class Orchestrator(Protocol):
    """The system that runs the flows: Airflow or Step Functions."""

    @property
    def name(self) -> str:
        """Its name in the ledger."""

    def run_of(self, arrival: Arrival) -> Run:
        """The only run for an arrival, started or not."""

    def state_of(self, run_id: str) -> RunState:
        """The state of a run of this orchestrator; `failed` if it no longer knows the run."""


@dataclass(frozen=True)
class Decision:
    """The outcome for one arrival. `run` is the run that the ledger names: its own, or that of the first object."""

    arrival: Arrival
    outcome: Literal["start", "duplicate", "pending", "rejected", "ignored", "known"]
    run: Run
    reason: str = ""

    @property
    def entry(self) -> str:
        """The outcome in the ledger's words."""
        entries = {"start": "started", "duplicate": self.reason, "rejected": f"rejected: {self.reason}"}
        return entries[self.outcome]


class Decisions:
    """The decisions about the arrivals in one bucket; every run has ended `longest_run` after its start."""

    def __init__(self, bucket: Bucket, storage: Storage, orchestrator: Orchestrator, *, longest_run: timedelta) -> None:
        self._bucket = bucket
        self._storage = storage
        self._orchestrator = orchestrator
        self._longest_run = longest_run
        self._ledger = Ledger(bucket)

    def about(self, arrival: Arrival) -> Decision:
        """The decision about one arrival; writes nothing."""
        decision = self._undecided(arrival)
        if decision.outcome == "start" and self._ledger.knows(arrival):
            return replace(decision, outcome="known")
        return self._compared(decision)

    def all_due(self) -> Iterator[Decision]:
        """The decisions about everything under `raw/` that is neither ignored nor known, oldest first.

        Writes nothing, but expects that what it yields with `start` is started before the next pass.
        """
        known = self._ledger.names()
        first_of: dict[tuple[str, int], Arrival] = {}
        arrivals = (Arrival(self._bucket.name, version) for version in self._bucket.current_versions(self._storage.raw))
        # What had its run stays listed for ever, and is not held; few are left to put in order.
        new = (self._undecided(arrival) for arrival in arrivals if arrival.execution_name not in known)
        due = [decision for decision in new if decision.outcome != "ignored"]
        for undecided in sorted(due, key=lambda each: oldest_first(each.arrival.object)):
            arrival, version = undecided.arrival, undecided.arrival.object
            decision = self._compared(undecided)
            if decision.outcome == "start" and version.size:
                first = first_of.setdefault((version.etag, version.size), arrival)
                if first != arrival:
                    decision = self._duplicate(decision, "pending", first.key, self._orchestrator.run_of(first))
            yield decision

    def _undecided(self, arrival: Arrival) -> Decision:
        """`ignored` or `rejected`, by place and name alone; else `start`."""
        start = Decision(arrival, "start", self._orchestrator.run_of(arrival))
        try:
            reason = why_ignored(arrival, self._storage)
        except ArrivalError as error:
            return replace(start, outcome="rejected", run=Run("", ""), reason=str(error))
        return replace(start, outcome="ignored", reason=reason) if reason else start

    def _compared(self, decision: Decision) -> Decision:
        """The decision, compared with the object that had the same bytes first."""
        if decision.outcome != "start" or (first := self._ledger.same_bytes(decision.arrival)) is None:
            return decision
        is_ours = first.run.orchestrator == self._orchestrator.name
        state = self._orchestrator.state_of(first.run.id) if is_ours else self._state_elsewhere(first)
        if state == "failed":
            return decision
        outcome: Literal["duplicate", "pending"] = "duplicate" if state == "succeeded" else "pending"
        return self._duplicate(decision, outcome, first.key, first.run)

    def _state_elsewhere(self, first: Entry) -> RunState:
        """The state of a run of the other orchestrator."""
        started = self._ledger.started(first)
        if self._ledger.has_published(first, since=started):
            return "succeeded"
        return "running" if datetime.now(UTC) < started + self._longest_run else "failed"

    @staticmethod
    def _duplicate(decision: Decision, outcome: Literal["duplicate", "pending"], key: str, run: Run) -> Decision:
        return replace(decision, outcome=outcome, run=run, reason=f"duplicate of {key}")
