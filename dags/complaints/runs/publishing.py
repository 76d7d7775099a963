"""Publishing a run: first its audited files, named by their content, then its manifest, in one conditional write.

Readers read what a manifest under `manifests/` names, and nothing else, so nothing of a run is visible before that
write. All files are checked before the first is copied, so only a crash within these seconds leaves files that no
manifest names, which readers of the whole folder see until the next attempt has completed the run. Once published, a
run never changes: nothing here overwrites or deletes an object under `results/` or a manifest.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from complaints.aws.bucket import Bucket, ConflictError
from complaints.errors import FinalError
from complaints.runs import metrics
from complaints.runs.accounting import RowsMissingError
from complaints.runs.plans import ClassificationPlan

log = logging.getLogger(__name__)

# The members of an input in a manifest; `version` only where the bucket keeps versions.
_INPUT = ("uri", "etag", "version", "size", "last_modified")


class AuditedFileError(FinalError, RuntimeError):
    """A candidate file is missing or not the one that was audited; nothing was published."""


def manifest_key(run_id: str) -> str:
    """The key of a run's manifest."""
    return f"manifests/run_id={run_id}.json"


def run_id_of(uri: str) -> str:
    """The run id in the URI of a manifest."""
    return uri.rpartition("run_id=")[2].removesuffix(".json")


def event_of(uri: str, plan: ClassificationPlan, counts: Mapping[str, int]) -> dict[str, Any]:
    """What the event of a publication says: the run, its model, and the number of rows by fate."""
    return {"run_id": run_id_of(uri), "model_version": plan["model_version"], **counts}


def manifest_of(
    plan: ClassificationPlan, planned: Mapping[str, Any], counts: Mapping[str, int], audited: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest of a run: its inputs, code, model, counts, scores and results. The same run gives the same manifest.

    `planned` is the plan as it was written, with its inputs; `audited` is the account that the audit wrote.

    Raises:
        RowsMissingError: the number of rows in the files is not the number of classified rows in the account.
    """
    folder = plan["results_uri"].split("/", 3)[3]
    rows = sum(file["rows"] for file in audited["files"])
    if rows != counts["classified"]:
        raise RowsMissingError(f"the audited files hold {rows} rows, but {counts['classified']} rows were classified")
    return {
        "run_id": plan["run_id"],
        "flow": plan["flow"],
        "release": plan["release"],
        "configuration": plan["configuration"],
        "model_version": plan["model_version"],
        "model_sha256": plan["model_sha256"],
        # The same in each attempt, which the time of the publication is not; that is the time of this very object.
        "arrived_at": max(each["last_modified"] for each in planned["inputs"]),
        "inputs": [{name: each[name] for name in _INPUT if each.get(name)} for each in planned["inputs"]],
        "account": dict(counts),
        "predicted_products": metrics.predicted_products(audited["scores"]),
        "needs_review": dict(audited["needs_review"]),
        "scores": _scores(audited["scores"]),
        **_issues(audited.get("issue_scores")),
        "unmapped": audited["unmapped"],
        "quarantined_by_reason": dict(audited["quarantined_by_reason"]),
        # The audit of an earlier release, which a run keeps to, knows of none.
        "unreadable_files": list(audited.get("unreadable_files", ())),
        "results": [
            # All runs in one folder, which readers of Parquet take as one table: they would make a column of a folder's
            # `name=value`, and guess its type. Named by content, so that the same bytes always get the same name.
            {"key": f"{folder}{plan['run_id']}-{number:05d}-{file['sha256'][:16]}.parquet"}
            | {name: file[name] for name in ("size", "rows", "sha256")}
            for number, file in enumerate(audited["files"])
        ],
    }


def _issues(counts: list[dict[str, Any]] | None) -> dict[str, Any]:
    """The second question, where it was asked."""
    return (
        {}
        if counts is None
        else {"predicted_issues": metrics.predicted_products(counts), "issue_scores": _scores(counts)}
    )


def _scores(counts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The scores where complaints carry a label, of those that the model had not seen; None without labels.

    Without the calibration error: it sums confidences, whose last digits may differ when a job is run again.
    """
    found = metrics.slice_of(counts)
    names = ("n", "seen_in_training", "accuracy", "majority_accuracy", "macro_f1", "per_class")
    return {name: found[name] for name in names if name in found} if found else None


def publish(bucket: Bucket, manifest: Mapping[str, Any], candidates: list[str]) -> str:
    """Copies the candidates, whose keys are in the order of the manifest's results, and writes the manifest.

    Returns the manifest's key. If the same manifest exists, it does nothing.

    Raises:
        AuditedFileError: a candidate is missing, or is not the one that was audited.
        ConflictError: the run has another manifest, or a result's name is taken by other bytes.
    """
    key = manifest_key(manifest["run_id"])
    if _is_published(bucket, key, manifest):
        log.info("s3://%s/%s was published before", bucket.name, key)
        return key
    copies = [
        (candidate, result["key"], etag)
        for candidate, result in zip(candidates, manifest["results"], strict=True)
        if (etag := _etag_to_copy(bucket, candidate, result))
    ]
    # CopyObject takes up to 5 GB; a file of results has about a million rows, 20 MB.
    for candidate, copy, etag in copies:
        bucket.copy(candidate, copy, if_match=etag)
    try:
        bucket.write_json(key, manifest, if_absent=True)
    except ConflictError:
        if not _is_published(bucket, key, manifest):
            raise
    return key


def _etag_to_copy(bucket: Bucket, candidate: str, result: Mapping[str, Any]) -> str | None:
    """The ETag of an audited file that is to be copied; None if it was copied before."""
    copied = bucket.sha256_and_etag(result["key"])
    if copied:
        if copied[0] != result["sha256"]:
            raise ConflictError(
                f"s3://{bucket.name}/{result['key']} has SHA-256 {copied[0]}, but the audit found {result['sha256']}: "
                "it was not written by this run. Results are never overwritten: remove it by hand, then clear this task"
            )
        return None
    found = bucket.sha256_and_etag(candidate)
    if not found or found[0] != result["sha256"]:
        state = f"has SHA-256 {found[0]}" if found else "is missing"
        raise AuditedFileError(
            f"s3://{bucket.name}/{candidate} {state}, but the audit found {result['sha256']}: clear audit_results"
        )
    return found[1]


def _is_published(bucket: Bucket, key: str, manifest: Mapping[str, Any]) -> bool:
    """True if this manifest exists.

    Raises:
        ConflictError: the run has another manifest; the message lists the differences.
    """
    before = bucket.read_json(key)
    if before is None:
        return False
    if different := differences(before, manifest):
        raise ConflictError(
            f"run {manifest['run_id']} was published before with other content, which is kept: {'; '.join(different)}"
        )
    return True


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The differences between two manifests of one run, a sentence each.

    The version and the time of an input may differ: the same bytes uploaded again under the same key are the same run.
    So may the scores, which depend on whether the rows that the model was trained on are still kept.
    """
    old, new = _comparable(before), _comparable(after)
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return [f"{name} was {_short(old.get(name))}, is {_short(new.get(name))}" for name in names]


def _comparable(manifest: Mapping[str, Any]) -> dict[str, Any]:
    inputs = [
        {name: each[name] for name in each if name not in ("version", "last_modified")}
        for each in manifest.get("inputs", [])
    ]
    return {
        **{name: manifest[name] for name in manifest if name not in ("arrived_at", "scores", "issue_scores")},
        "inputs": inputs,
    }


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:118]} …"
