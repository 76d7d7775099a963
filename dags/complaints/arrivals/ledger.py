"""Which versions of which objects have had their run, whoever started it: the starter, or the DAG of arrivals.

`ledger/versions/<execution name>.json` is one entry for each version, `ledger/contents/<etag>-<size>.json` the entry of
the object that had these bytes first. An entry is written after the start: whoever dies in between starts it by the
same name again, and that is no second run.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from complaints.arrivals.events import Arrival
from complaints.aws.bucket import Bucket, ConflictError
from complaints.runs import source_ledger

log = logging.getLogger(__name__)

VERSIONS, CONTENTS = "ledger/versions/", "ledger/contents/"
# In front of the id of a run of Airflow, where an execution of Step Functions has its ARN.
AIRFLOW = "airflow:"
FLOW = "complaints_classification"


class Ledger:
    """The ledger in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def names(self) -> set[str]:
        """The execution names of all versions that have an entry."""
        return {each.key.removeprefix(VERSIONS).removesuffix(".json") for each in self._bucket.objects(VERSIONS)}

    def knows(self, arrival: Arrival) -> bool:
        """Whether the version has an entry."""
        return self._bucket.read_json(_entry_key(arrival)) is not None

    def same_bytes(self, arrival: Arrival) -> dict[str, Any] | None:
        """The entry of another version with the bytes of this one; None where it would be the first, or is empty."""
        first: dict[str, Any] | None = self._bucket.read_json(_content_key(arrival)) if arrival.size else None
        return None if first is None or _is_of(first, arrival) else first

    def has_published(self, first: dict[str, Any]) -> bool:
        """Whether what `same_bytes` found was published since it was started, by whichever orchestrator."""
        started = self._bucket.last_modified(f"{CONTENTS}{first['etag']}-{first['size']}.json")
        return source_ledger.published_since(self._bucket, flow=FLOW, source=first["key"], since=started)

    def remember(self, arrival: Arrival, run: str, outcome: str) -> None:
        """Notes that `run` (an execution's ARN, or `airflow:<run id>`) is for this version.

        `outcome` is `started`, or why there is no run of its own; of two who write at once the first is believed.
        """
        entry = {**asdict(arrival), "execution_arn": run, "outcome": outcome}
        keys = [_entry_key(arrival), *([_content_key(arrival)] if outcome == "started" and arrival.size else [])]
        for key in keys:
            etag = self._bucket.read_json_and_etag(key)[1] if key.startswith(CONTENTS) else None
            try:
                self._bucket.write_json(key, entry, if_absent=etag is None, if_match=etag)
            except ConflictError:
                log.info("%s was remembered by somebody else meanwhile", key)


def _is_of(entry: dict[str, Any], arrival: Arrival) -> bool:
    return (entry["key"], entry["version"]) == (arrival.key, arrival.version)


def _entry_key(arrival: Arrival) -> str:
    return f"{VERSIONS}{arrival.execution_name}.json"


def _content_key(arrival: Arrival) -> str:
    return f"{CONTENTS}{arrival.etag}-{arrival.size}.json"
