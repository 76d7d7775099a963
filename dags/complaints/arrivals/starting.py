"""Starts one execution for each object that arrives, and remembers in the bucket which objects had one.

An execution's name is made of the object's version, so that starting it twice starts it once. The ledger is written
after the start: whoever dies in between is put right by the next event, or by the sweep.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from complaints.arrivals.events import Arrival, ArrivalError, why_ignored
from complaints.arrivals.ledger import AIRFLOW, Ledger
from complaints.aws.bucket import Bucket
from complaints.settings import Storage

log = logging.getLogger(__name__)

_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Outcome:
    """What became of one arrival: `started`, `already started`, `duplicate`, `waiting`, `ignored` or `superseded`."""

    key: str
    outcome: str
    reason: str = ""


class Starter:
    """Decides for each arrival. `machines` is a client of Step Functions; at most `limit` executions run at once."""

    def __init__(self, bucket: Bucket, machines: Any, machine_arn: str, storage: Storage, limit: int) -> None:
        self._bucket = bucket
        self._ledger = Ledger(bucket)
        self._machines = machines
        self._machine_arn = machine_arn
        self._storage = storage
        self._limit = limit

    def arrived(self, arrival: Arrival) -> Outcome:
        """Starts the arrival's execution, or says why there is nothing to start.

        Raises:
            ArrivalError: it can never be started.
            ClientError: it could not be started now; try again.
        """
        outcome, reason = self._decided(arrival)
        log.info("%s (version %s): %s%s", arrival.key, arrival.version, outcome, reason and f", {reason}")
        return Outcome(arrival.key, outcome, reason)

    def sweep(self) -> Iterator[Outcome]:
        """Takes up every object that lies there without an execution, oldest first, while one may be started."""
        begun = self._ledger.names()
        for arrival in current_objects(self._bucket, self._storage.raw):
            try:
                if arrival.execution_name in begun or why_ignored(arrival, self._storage):
                    continue  # most of what lies there: nothing to tell each time
                outcome = self.arrived(arrival)
            except ArrivalError as error:
                log.warning("%s", error)  # its event has told so
                continue
            yield outcome
            if outcome.outcome == "waiting":
                break

    def _decided(self, arrival: Arrival) -> tuple[str, str]:
        if reason := why_ignored(arrival, self._storage):
            return "ignored", reason
        if newer := self._newer(arrival):
            return "superseded", f"the object is now version {newer}, which has an event of its own"
        if self._ledger.knows(arrival):
            return "already started", arrival.execution_name
        if first := self._same_content(arrival):
            self._ledger.remember(arrival, first["execution_arn"], f"duplicate of {first['key']}")
            return "duplicate", f"{first['key']} holds the same bytes, and {first['execution_arn']} classifies them"
        return self._start(arrival)

    def _newer(self, arrival: Arrival) -> str:
        """The version of the object that is there now, where it is another one."""
        client = self._bucket.client
        try:
            found = client.head_object(Bucket=self._bucket.name, Key=arrival.key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise
            told = f"s3://{self._bucket.name}/{arrival.key} is not there any more: upload it again"
            raise ArrivalError(told) from error
        etag = found["ETag"].strip('"')
        version = found.get("VersionId", "null")
        known = (etag, version if version != "null" else etag)
        return "" if known == (arrival.etag, arrival.version) else known[1]

    def _same_content(self, arrival: Arrival) -> dict[str, Any] | None:
        """The ledger's entry of another object with these bytes, unless the execution for that one failed."""
        first = self._ledger.same_bytes(arrival)
        if first is None:
            return None
        if first["execution_arn"].startswith(AIRFLOW):
            return first if self._ledger.has_published(first) else None
        try:
            status = self._machines.describe_execution(executionArn=first["execution_arn"])["status"]
        except self._machines.exceptions.ExecutionDoesNotExist:
            return None  # older than Step Functions remembers: what it had published may be gone, too
        return None if status in _FAILED else first

    def _start(self, arrival: Arrival) -> tuple[str, str]:
        name, arn = arrival.execution_name, self._execution_arn(arrival)
        if self._running() >= self._limit and not self._exists(arn):
            return "waiting", f"{self._limit} executions are running; the sweep after one of them ends starts it"
        outcome = "started"
        try:
            given = json.dumps(arrival.source(self._storage))
            self._machines.start_execution(stateMachineArn=self._machine_arn, name=name, input=given)
        except self._machines.exceptions.ExecutionAlreadyExists:
            outcome = "already started"
        self._ledger.remember(arrival, arn, "started")
        return outcome, name

    def _running(self) -> int:
        pages = self._machines.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine_arn, statusFilter="RUNNING", PaginationConfig={"MaxItems": self._limit}
        )
        return sum(len(page["executions"]) for page in pages)

    def _exists(self, arn: str) -> bool:
        try:
            self._machines.describe_execution(executionArn=arn)
        except self._machines.exceptions.ExecutionDoesNotExist:
            return False
        return True

    def _execution_arn(self, arrival: Arrival) -> str:
        return f"{self._machine_arn.replace(':stateMachine:', ':execution:')}:{arrival.execution_name}"


def current_objects(bucket: Bucket, prefix: str) -> list[Arrival]:
    """What lies below `prefix` now, each object in its current version, oldest first."""
    pages = bucket.client.get_paginator("list_object_versions").paginate(Bucket=bucket.name, Prefix=prefix)
    found = [each for page in pages for each in page.get("Versions", []) if each["IsLatest"]]
    arrivals = []
    for each in sorted(found, key=lambda each: (each["LastModified"], each["Key"])):
        etag, version = each["ETag"].strip('"'), each["VersionId"]
        arrivals.append(Arrival(bucket.name, each["Key"], etag, each["Size"], version if version != "null" else etag))
    return arrivals
