"""Publishing an ingestion: the new and changed complaints become one batch under `raw/batches/`, once.

The account of an export is written first, by a conditional write: whichever run writes it decides what the batch holds,
and a later run only completes it. The batch is complete once its `_SUCCESS` is there; the pointer moves last.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from complaints.arrivals.events import BATCH_MARKER
from complaints.aws.bucket import Bucket, ConflictError
from complaints.errors import FinalError
from complaints.ingestion.exports import EXPORTS, check_not_overtaken, last_ingested, move_pointer
from complaints.ingestion.plans import IngestionPlan

log = logging.getLogger(__name__)


class ChangedFileError(FinalError, RuntimeError):
    """A file of the batch is missing, or is not the one that was written; the batch is not complete."""


class BatchTooLargeError(FinalError, RuntimeError):
    """Far more complaints are new or changed than a day brings; a parameter of the run accepts them."""


def check_batch(counts: Mapping[str, int], most: int, *, accept_many: bool) -> None:
    """Refuses a batch of more than `most` complaints: classifying them costs, and usually nobody meant to.

    Raises:
        BatchTooLargeError: the message has the numbers, the limit and the parameter that accepts them.
        TypeError: `accept_many` is not a bool.
    """
    # The DAG's parameters do not check the input of an execution, and any text would count as true.
    if not isinstance(accept_many, bool):
        raise TypeError(f"accept_many_rows is {accept_many!r}: use true or false")
    if (rows := counts["new"] + counts["changed"]) <= most:
        return
    finding = (
        f"{counts['new']:,} complaints are new and {counts['changed']:,} changed, together more than "
        f"{most:,} (ingestion.max_batch_rows)"
    )
    if not accept_many:
        raise BatchTooLargeError(f"{finding}. To classify all of them, run again with the parameter accept_many_rows")
    log.warning("%s; all %s are accepted by the parameter accept_many_rows", finding, rows)


def publish(
    bucket: Bucket, plan: IngestionPlan, counts: Mapping[str, int], account: Mapping[str, Any], batches: str
) -> dict[str, Any]:
    """Publishes the ingestion; returns the account that counts, of this run or of the one that was first.

    `account` is what compare_exports wrote, `counts` its checked totals, `batches` the prefix of batches.

    Raises:
        OvertakenError: another run ingested an export in the meantime.
        ChangedFileError: a file is not the one that was written.
    """
    previous = plan["previous"]
    check_not_overtaken(last_ingested(bucket), plan["run_id"], previous)
    document = _claimed(bucket, _document(bucket, plan, counts, account, batches))
    for file in document["files"]:
        _copy(bucket, file)
    if document["batch"]:
        bucket.mark(f"{document['batch']}{BATCH_MARKER}")
    pointer = {name: document[name] for name in ("export", "rows_in", "batch")}
    move_pointer(bucket, {**pointer, "run_id": plan["run_id"], "previous": previous or None}, plan["run_id"], previous)
    return document


def _document(
    bucket: Bucket, plan: IngestionPlan, counts: Mapping[str, int], account: Mapping[str, Any], batches: str
) -> dict[str, Any]:
    """The account of the export: its rows by fate, and the files of its batch with where they were written."""
    folder, batch = bucket.key(plan["changed_uri"]), f"{batches}{account['export']['export']}/"
    files = [
        {"key": f"{batch}{each['name']}", "written": f"{folder}{each['name']}"}
        | {name: each[name] for name in ("rows", "size", "sha256")}
        for each in account["files"]
    ]
    return {
        "run_id": plan["run_id"],
        "release": plan["release"],
        "export": account["export"],
        "previous": plan["previous"] or None,
        **counts,
        "withdrawn": account["withdrawn"],
        "quarantined_by_reason": account["quarantined_by_reason"],
        "compared_columns": account["compared_columns"],
        "batch": batch if files else None,
        "files": files,
    }


def _claimed(bucket: Bucket, document: dict[str, Any]) -> dict[str, Any]:
    """The account that counts: `document`, unless the export has one."""
    key = f"{EXPORTS}{document['export']['export']}/ingestion.json"
    try:
        bucket.write_json(key, document, if_absent=True)
    except ConflictError:
        found: dict[str, Any] = bucket.read_json(key) or {}
        if found["run_id"] != document["run_id"]:
            log.warning("%s is that of run %s, which is completed", key, found["run_id"])
        return found
    return document


def _copy(bucket: Bucket, file: Mapping[str, Any]) -> None:
    """Copies one file into the batch, unless it was copied before."""
    copied = bucket.sha256_and_etag(file["key"])
    found = copied or bucket.sha256_and_etag(file["written"])
    key = file["key"] if copied else file["written"]
    if not found or found[0] != file["sha256"]:
        state = f"has SHA-256 {found[0]}" if found else "is missing"
        raise ChangedFileError(
            f"s3://{bucket.name}/{key} {state}, but {file['sha256']} was written: clear compare_exports"
        )
    if not copied:
        bucket.copy(file["written"], file["key"], if_match=found[1])
