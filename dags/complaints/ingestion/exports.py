"""The exports in the bucket: `exports/<export>/`, and `exports/latest.json`, the pointer to the last one ingested.

An export is identified by the day of its version and a hash of what the server said about it. Its folder holds the
export as the server had it, `export.json` (its record, written once the export was checked) and `ingestion.json` (the
account of its ingestion, written once).
"""

from __future__ import annotations

from typing import Any

from complaints.aws.bucket import Bucket, ConflictError
from complaints.errors import FinalError
from complaints.ingestion.remote import SourceVersion

EXPORTS = "exports/"
LATEST = f"{EXPORTS}latest.json"


class OvertakenError(FinalError, RuntimeError):
    """Another run ingested an export in the meantime, so this run's comparison no longer holds."""


def last_ingested(bucket: Bucket) -> dict[str, Any] | None:
    """The pointer: the `export`'s record, and the `run_id`, `rows_in` and `batch` of its ingestion; None at first."""
    pointer: dict[str, Any] | None = bucket.read_json(LATEST)
    return pointer


def source_version(pointer: dict[str, Any] | None, url: str) -> SourceVersion | None:
    """What the server said about the export in the pointer; None without one, or if it came from another URL."""
    if pointer is None or pointer["export"]["url"] != url:
        return None
    return SourceVersion(pointer["export"]["source_etag"], pointer["export"]["source_last_modified"])


def check_not_overtaken(pointer: dict[str, Any] | None, run_id: str, previous: str) -> bool:
    """True if the run has moved the pointer already; False if it still names the export that the run compared with.

    Raises:
        OvertakenError: it names another one.
    """
    if pointer and pointer["run_id"] == run_id:
        return True
    now = pointer["export"]["export"] if pointer else ""
    if now != previous:
        raise OvertakenError(
            f"{LATEST} names {now or 'no export'}, but this run compared with {previous or 'none'}: another run was "
            "faster. Nothing was published; start a new run"
        )
    return False


def move_pointer(bucket: Bucket, document: dict[str, Any], run_id: str, previous: str) -> None:
    """Makes `document` the pointer, unless another run moved it.

    Raises:
        OvertakenError: another run moved it.
    """
    before, etag = bucket.read_json_and_etag(LATEST)
    if check_not_overtaken(before, run_id, previous):
        return
    try:
        bucket.write_json(LATEST, document, if_absent=before is None, if_match=etag)
    except ConflictError:
        check_not_overtaken(last_ingested(bucket), run_id, previous)
        raise
