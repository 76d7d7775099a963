"""The number of rows that the last run of each source read, to refuse a source that has collapsed.

`ledger/sources/<hash of flow and source>.json` is written when a run takes effect: after the manifest of a
classification, after the registration of a model.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from complaints.aws.bucket import Bucket, ConflictError
from complaints.errors import FinalError
from complaints.ingestion.plans import IngestionPlan
from complaints.runs.plans import Plan
from complaints.settings import Limits

log = logging.getLogger(__name__)


class RowsCollapsedError(FinalError, RuntimeError):
    """A source has far fewer rows than in its last run; a parameter of the run accepts them."""


def check_source(bucket: Bucket, plan: Plan, rows_in: int, limits: Limits, accept_fewer: bool) -> None:
    """Refuses a run whose source has collapsed, by `limits.min_rows_of_last_run`; see `check_rows`."""
    last = last_run(bucket, plan)
    check_rows(rows_in, last, plan, least=limits.min_rows_of_last_run, accept_fewer=accept_fewer)


def check_rows(
    rows_in: int, last: Mapping[str, Any] | None, plan: Plan | IngestionPlan, *, least: float, accept_fewer: bool
) -> None:
    """Refuses a run that read at most the share `least` of the rows that the last run of its source read.

    `last` is what `last_run` found. The first run of a source passes, and so does a repeated run.

    Raises:
        RowsCollapsedError: the message has both numbers, the limit and the parameter that accepts them.
        TypeError: `accept_fewer` is not a bool.
    """
    # The DAG's parameters do not check the input of an execution, and any text would count as true.
    if not isinstance(accept_fewer, bool):
        raise TypeError(f"accept_fewer_rows is {accept_fewer!r}: use true or false")
    if last is None or last["run_id"] == plan["run_id"] or rows_in > least * last["rows_in"]:
        return
    finding = (
        f"{last['source']} has {rows_in:,} rows, but had {last['rows_in']:,} in its last run {last['run_id']}: "
        f"expected more than {least:.0%} of them (limits.min_rows_of_last_run)"
    )
    if not accept_fewer:
        raise RowsCollapsedError(f"{finding}. If that is right, run again with the parameter accept_fewer_rows")
    log.warning("%s; accepted by the parameter accept_fewer_rows", finding)


def last_run(bucket: Bucket, plan: Plan) -> Mapping[str, Any] | None:
    """The entry of the last run of the plan's source; None where no run of it has taken effect."""
    entry: Mapping[str, Any] | None = bucket.read_json(_entry_key(bucket, plan))
    return entry


def published_since(bucket: Bucket, *, flow: str, source: str, since: datetime) -> bool:
    """True if a run of `source` (a key, or a prefix) took effect at or after `since`, both by S3's clock."""
    entry = bucket.read_json(_key_of(flow, source))
    return entry is not None and datetime.fromisoformat(entry["since"]) >= since


def remember(bucket: Bucket, plan: Plan, rows_in: int, *, since: str) -> None:
    """Records the run as the last one of its source, unless a later one is recorded.

    `since` is when the run took effect, by S3's clock: repeating an old run does not make it the last one.

    Raises:
        ConflictError: other runs kept writing the entry at the same time; try again.
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
    raise ConflictError(f"s3://{bucket.name}/{key} is being written by other runs; try again")


def _source(bucket: Bucket, plan: Plan) -> str:
    return bucket.key(plan["source_uri"])


def _entry_key(bucket: Bucket, plan: Plan) -> str:
    return _key_of(plan["flow"], _source(bucket, plan))


def _key_of(flow: str, source: str) -> str:
    return f"ledger/sources/{hashlib.sha256(f'{flow}|{source}'.encode()).hexdigest()[:16]}.json"
