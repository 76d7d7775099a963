"""How many rows the last run of each source read, so that a source that collapsed is noticed before it is believed.

`ledger/sources/<hash of flow and source>.json` is written when a run has its effect: after a classification's
manifest, after a model's registration.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from complaints.aws.bucket import Bucket, ConflictError

log = logging.getLogger(__name__)


class RowsCollapsedError(RuntimeError):
    """A source gave far fewer rows than last time; whoever knows better says so by a parameter."""


def check_rows(
    rows_in: int, last: Mapping[str, Any] | None, plan: Mapping[str, Any], *, least: float, accept_fewer: bool
) -> None:
    """Refuses a run that read no more than the share `least` of the rows of the last run of its source.

    `last` is what `last_run` found: a run is not measured by itself, and the first one by nothing.

    Raises:
        RowsCollapsedError: both numbers, the limit, and the way out.
        TypeError: `accept_fewer` is neither true nor false.
    """
    # Whoever starts an execution is not checked by the DAG's parameters, and any text would count as true.
    if not isinstance(accept_fewer, bool):
        raise TypeError(f"accept_fewer_rows is {accept_fewer!r}: true or false would be right")
    if last is None or last["run_id"] == plan["run_id"] or rows_in > least * last["rows_in"]:
        return
    told = (
        f"{last['source']} gave {rows_in:,} rows, and {last['rows_in']:,} in its last run {last['run_id']}: "
        f"it should be more than {least:.0%} of them (limits.min_rows_of_last_run)"
    )
    if not accept_fewer:
        raise RowsCollapsedError(f"{told}. If they are all, run again with the parameter accept_fewer_rows")
    log.warning("%s; accepted by the parameter accept_fewer_rows", told)


def last_run(bucket: Bucket, plan: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the ledger has of the plan's source; None where it never had an effect."""
    entry: Mapping[str, Any] | None = bucket.read_json(_entry_key(bucket, plan))
    return entry


def published_since(bucket: Bucket, *, flow: str, source: str, since: str) -> bool:
    """Whether a run of `source` (a key, or a prefix) had its effect after `since`, both by S3's clock."""
    entry = bucket.read_json(_key_of(flow, source))
    return entry is not None and datetime.fromisoformat(entry["since"]) >= datetime.fromisoformat(since)


def remember(bucket: Bucket, plan: Mapping[str, Any], rows_in: int, *, since: str) -> None:
    """Notes the run as the last one of its source, unless a later one is noted.

    `since` is when the run had its effect, by S3's clock: an old run that is repeated stays an old run.

    Raises:
        ConflictError: several others wrote at the same moment; try again.
    """
    key = _entry_key(bucket, plan)
    entry = {"source": _source(bucket, plan), "run_id": plan["run_id"], "rows_in": rows_in, "since": since}
    for _ in range(3):
        before, etag = bucket.read_json_and_etag(key)
        if before is not None and (before == entry or before["since"] > since):
            return
        try:
            bucket.write_json(key, entry, if_absent=before is None, if_match=etag)
        except ConflictError:
            continue
        return
    raise ConflictError(f"s3://{bucket.name}/{key} is being written by others; try again")


def _source(bucket: Bucket, plan: Mapping[str, Any]) -> str:
    return bucket.key(plan["source_uri"])


def _entry_key(bucket: Bucket, plan: Mapping[str, Any]) -> str:
    return _key_of(plan["flow"], _source(bucket, plan))


def _key_of(flow: str, source: str) -> str:
    return f"ledger/sources/{hashlib.sha256(f'{flow}|{source}'.encode()).hexdigest()[:16]}.json"
