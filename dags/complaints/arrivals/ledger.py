"""The ledger of arrivals: which object versions had their run, whichever orchestrator started it.

`ledger/versions/<execution name>.json` is the entry of a version. `ledger/contents/<etag>-<size>.json` is the entry of
the object that had these bytes first. Entries are written after the start. After a crash in between, the run is started
again by the same name, which starts no second one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from complaints.arrivals.events import Arrival
from complaints.aws.bucket import Bucket, ConflictError
from complaints.runs import source_ledger

log = logging.getLogger(__name__)

VERSIONS, CONTENTS = "ledger/versions/", "ledger/contents/"
AIRFLOW, STEP_FUNCTIONS = "airflow", "step-functions"
FLOW = "complaints_classification"
# Entries of before had one field for both orchestrators, with this in front of the id of a run of Airflow.
_OLD_AIRFLOW = "airflow:"


@dataclass(frozen=True)
class Run:
    """A run of the classification: `id` is an execution's ARN, or the run id of Airflow."""

    orchestrator: str
    id: str


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger. `outcome` is `started`, or the reason why the version had no run of its own."""

    bucket: str
    key: str
    etag: str
    size: int
    version: str
    run: Run
    outcome: str

    @classmethod
    def of(cls, arrival: Arrival, run: Run, outcome: str) -> Entry:
        """The entry for an arrival."""
        found = arrival.object
        return cls(arrival.bucket, found.key, found.etag, found.size, arrival.identity, run, outcome)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Entry:
        """The entry in a document of the bucket, also in one that was written with `execution_arn`."""
        values = {name: document[name] for name in ("bucket", "key", "etag", "size", "version", "outcome")}
        if (old := document.get("execution_arn")) is None:
            return cls(**values, run=Run(**document["run"]))
        if old.startswith(_OLD_AIRFLOW):
            return cls(**values, run=Run(AIRFLOW, old.removeprefix(_OLD_AIRFLOW)))
        return cls(**values, run=Run(STEP_FUNCTIONS, old))

    def is_of(self, arrival: Arrival) -> bool:
        """True if the entry is the arrival's own."""
        return (self.key, self.version) == (arrival.key, arrival.identity)


class Ledger:
    """The ledger in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def names(self) -> set[str]:
        """The execution names of all versions that have an entry."""
        return {each.key.removeprefix(VERSIONS).removesuffix(".json") for each in self._bucket.objects(VERSIONS)}

    def knows(self, arrival: Arrival) -> bool:
        """True if the version has an entry."""
        return self._bucket.read_json(_entry_key(arrival)) is not None

    def same_bytes(self, arrival: Arrival) -> Entry | None:
        """The entry of another version with the same bytes; None where there is none, and for an empty object."""
        document = self._bucket.read_json(_content_key(arrival)) if arrival.object.size else None
        entry = None if document is None else Entry.read(document)
        return None if entry is None or entry.is_of(arrival) else entry

    def started(self, entry: Entry) -> datetime:
        """The time at which the entry of these bytes was written, by S3's clock: when its run was started."""
        return datetime.fromisoformat(self._bucket.last_modified(f"{CONTENTS}{entry.etag}-{entry.size}.json"))

    def has_published(self, entry: Entry, *, since: datetime) -> bool:
        """True if a run of the entry's object has published at or after `since`, by either orchestrator."""
        return source_ledger.published_since(self._bucket, flow=FLOW, source=entry.key, since=since)

    def remember(self, arrival: Arrival, run: Run, outcome: str) -> None:
        """Writes the arrival's entry; of two concurrent writers the first wins."""
        document = asdict(Entry.of(arrival, run, outcome))
        is_first = outcome == "started" and arrival.object.size
        for key in [_entry_key(arrival), *([_content_key(arrival)] if is_first else [])]:
            etag = self._bucket.read_json_and_etag(key)[1] if key.startswith(CONTENTS) else None
            try:
                self._bucket.write_json(key, document, if_absent=etag is None, if_match=etag)
            except ConflictError:
                log.info("%s has an entry by another writer", key)


def _entry_key(arrival: Arrival) -> str:
    return f"{VERSIONS}{arrival.execution_name}.json"


def _content_key(arrival: Arrival) -> str:
    return f"{CONTENTS}{arrival.object.etag}-{arrival.object.size}.json"
