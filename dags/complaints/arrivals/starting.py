"""Starting one execution of the state machine for each arrival: what the Lambda function `ptmlops-starter` does.

The name of an execution is made of the object's version, so a second start with that name starts nothing. The next
event or sweep completes what a crash left undone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from complaints.arrivals.decision import Decision, Decisions, RunState
from complaints.arrivals.events import Arrival, ArrivalError, why_ignored
from complaints.arrivals.ledger import STEP_FUNCTIONS, Ledger, Run
from complaints.aws.bucket import Bucket
from complaints.settings import PipelineSettings

log = logging.getLogger(__name__)

_STATES: dict[str, RunState] = {"RUNNING": "running", "PENDING_REDRIVE": "running", "SUCCEEDED": "succeeded"}


@dataclass(frozen=True)
class Outcome:
    """The outcome for one arrival.

    `outcome` is `started`, `already started`, `duplicate`, `pending` (a duplicate whose first run has not ended),
    `waiting` (too many executions are running), `ignored`, `superseded` or `rejected`.
    """

    key: str
    outcome: str
    reason: str = ""


class StateMachine:
    """Step Functions as the orchestrator of arrivals; `client` is boto3's, `arn` that of the state machine."""

    name = STEP_FUNCTIONS

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def run_of(self, arrival: Arrival) -> Run:
        """The only execution for an arrival."""
        return Run(STEP_FUNCTIONS, f"{self._arn.replace(':stateMachine:', ':execution:')}:{arrival.execution_name}")

    def state_of(self, run_id: str) -> RunState:
        """The state of an execution. Step Functions forgets it after 90 days; its results may be gone by then, too."""
        try:
            status = self._client.describe_execution(executionArn=run_id)["status"]
        except self._client.exceptions.ExecutionDoesNotExist:
            return "failed"
        return _STATES.get(status, "failed")

    def exists(self, run_id: str) -> bool:
        """True if the execution was started before."""
        try:
            self._client.describe_execution(executionArn=run_id)
        except self._client.exceptions.ExecutionDoesNotExist:
            return False
        return True

    def start(self, name: str, given: dict[str, str]) -> bool:
        """Starts an execution; False if there was one of that name."""
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(given))
        except self._client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def running(self, most: int) -> int:
        """The number of running executions; counts no further than `most`."""
        pages = self._client.get_paginator("list_executions").paginate(
            stateMachineArn=self._arn, statusFilter="RUNNING", PaginationConfig={"MaxItems": most}
        )
        return sum(len(page["executions"]) for page in pages)


class Starter:
    """Starts executions of a state machine, at most `limit` at a time; `machines` is a client of Step Functions."""

    def __init__(self, bucket: Bucket, machines: Any, machine_arn: str, pipeline: PipelineSettings, limit: int) -> None:
        self._bucket = bucket
        self._storage = pipeline.storage
        self._limit = limit
        self._ledger = Ledger(bucket)
        self._machine = StateMachine(machines, machine_arn)
        longest_run = pipeline.orchestration.run_timeout
        self._decisions = Decisions(bucket, pipeline.storage, self._machine, longest_run=longest_run)

    def arrived(self, arrival: Arrival) -> Outcome:
        """Starts the execution for an event's arrival, or returns why there is nothing to start.

        Raises:
            ArrivalError: it can never be started.
            ClientError: it could not be started now; try again.
        """
        if reason := why_ignored(arrival, self._storage):
            return _logged(Outcome(arrival.key, "ignored", reason))
        # An event may be late, and does not have the object's time.
        current = self._bucket.current_version(arrival.key)
        if current is None:
            raise ArrivalError(f"s3://{self._bucket.name}/{arrival.key} no longer exists: upload it again")
        if not current.is_the_same_as(arrival.object):
            newer = current.version_id or current.etag
            return _logged(Outcome(arrival.key, "superseded", f"version {newer} replaced it, and has its own event"))
        return self._done(self._decisions.about(Arrival(self._bucket.name, current)))

    def sweep(self) -> Iterator[Outcome]:
        """Starts every object that has no execution yet, oldest first, until too many are running."""
        for decision in self._decisions.all_due():
            if decision.outcome == "pending":
                continue
            outcome = self._done(decision)
            yield outcome
            if outcome.outcome == "waiting":
                break

    def _done(self, decision: Decision) -> Outcome:
        """Does what was decided, and records it."""
        key = decision.arrival.key
        if decision.outcome == "start":
            return _logged(self._start(decision))
        if decision.outcome == "known":
            return _logged(Outcome(key, "already started", decision.arrival.execution_name))
        if decision.outcome in ("duplicate", "rejected"):
            self._ledger.remember(decision.arrival, decision.run, decision.entry)
        return _logged(Outcome(key, decision.outcome, decision.reason))

    def _start(self, decision: Decision) -> Outcome:
        arrival, name = decision.arrival, decision.arrival.execution_name
        if self._machine.running(self._limit) >= self._limit and not self._machine.exists(decision.run.id):
            reason = f"{self._limit} executions are running; the sweep starts it when one of them has ended"
            return Outcome(arrival.key, "waiting", reason)
        is_new = self._machine.start(name, arrival.source(self._storage))
        self._ledger.remember(arrival, decision.run, decision.entry)
        return Outcome(arrival.key, "started" if is_new else "already started", name)


def _logged(outcome: Outcome) -> Outcome:
    level = logging.WARNING if outcome.outcome == "rejected" else logging.INFO
    log.log(level, "%r: %s%s", outcome.key, outcome.outcome, outcome.reason and f", {outcome.reason}")
    return outcome
