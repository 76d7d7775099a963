"""Makes an audited run visible: its files under names made of their content, then its manifest, by one write.

Readers read what a manifest under `manifests/` names, and nothing else. So before that one conditional write nothing
of a run is visible, and what a crash leaves, the next attempt finds and completes. After it nothing changes any more:
no object under `results/` and no manifest is ever overwritten or deleted here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from complaints.aws.bucket import Bucket, ConflictError
from complaints.runs.accounting import RowsMissingError

log = logging.getLogger(__name__)

# What stands in a manifest of each input; `version` only where the bucket keeps versions.
_INPUT = ("uri", "etag", "version", "size")


class AuditedFileError(RuntimeError):
    """A candidate file is not there as it was audited; nothing was published."""


def manifest_key(run_id: str) -> str:
    """Where the manifest of a run is."""
    return f"manifests/run_id={run_id}.json"


def manifest_of(
    plan: Mapping[str, Any], planned: Mapping[str, Any], counts: Mapping[str, int], audited: Mapping[str, Any]
) -> dict[str, Any]:
    """What a run made of what, by whom, and where it is. The same run gives the same manifest.

    `planned` is the plan as it was written down, with its inputs; `audited` is the account that the audit wrote.

    Raises:
        RowsMissingError: the files hold other rows than the account counts as classified.
    """
    folder = plan["results_uri"].split("/", 3)[3]
    rows = sum(file["rows"] for file in audited["files"])
    if rows != counts["classified"]:
        raise RowsMissingError(f"the audited files hold {rows} rows, but {counts['classified']} were classified")
    return {
        "run_id": plan["run_id"],
        "flow": plan["flow"],
        "release": plan["release"],
        "configuration": plan["configuration"],
        "model_version": plan["model_version"],
        "model_sha256": plan["model_sha256"],
        "inputs": [{name: each[name] for name in _INPUT if each.get(name)} for each in planned["inputs"]],
        "account": dict(counts),
        "unmapped": audited["unmapped"],
        "quarantined_by_reason": dict(audited["quarantined_by_reason"]),
        "results": [
            # Named by content: the same bytes have the same name whatever Spark called them.
            {"key": f"{folder}part-{number:05d}-{file['sha256'][:16]}.parquet"}
            | {name: file[name] for name in ("size", "rows", "sha256")}
            for number, file in enumerate(audited["files"])
        ],
    }


def publish(bucket: Bucket, manifest: Mapping[str, Any], candidates: list[str]) -> str:
    """Copies the candidates, whose keys stand in the order of the manifest's results, and writes the manifest.

    Returns the manifest's key. Where it stands already, nothing is done.

    Raises:
        AuditedFileError: a candidate is gone, or is not what was audited.
        ConflictError: another manifest of this run stands already, or other bytes under a result's name.
    """
    key = manifest_key(manifest["run_id"])
    if _stands(bucket, key, manifest):
        log.info("s3://%s/%s stands already", bucket.name, key)
        return key
    for candidate, result in zip(candidates, manifest["results"], strict=True):
        _copy(bucket, candidate, result)
    try:
        bucket.write_json(key, manifest, if_absent=True)
    except ConflictError:
        if not _stands(bucket, key, manifest):
            raise
    return key


def _copy(bucket: Bucket, candidate: str, result: Mapping[str, Any]) -> None:
    """Copies one audited file on the side of S3, unless it was copied before.

    CopyObject takes up to 5 GB; a file of results has about a million rows, 20 MB.
    """
    copied = bucket.sha256_and_etag(result["key"])
    if copied:
        if copied[0] != result["sha256"]:
            raise ConflictError(
                f"s3://{bucket.name}/{result['key']} has SHA-256 {copied[0]}, where the audit had {result['sha256']}: "
                "somebody else wrote it, and results are never overwritten; remove it by hand, then clear this task"
            )
        return
    found = bucket.sha256_and_etag(candidate)
    if not found or found[0] != result["sha256"]:
        state = f"has SHA-256 {found[0]}" if found else "is gone"
        raise AuditedFileError(
            f"s3://{bucket.name}/{candidate} {state}, where the audit had {result['sha256']}: audit the results again"
        )
    bucket.copy(candidate, result["key"], if_match=found[1])


def _stands(bucket: Bucket, key: str, manifest: Mapping[str, Any]) -> bool:
    """Whether this manifest is there already.

    Raises:
        ConflictError: another one is; the message says what differs.
    """
    before = bucket.read_json(key)
    if before is None:
        return False
    if different := differences(before, manifest):
        raise ConflictError(
            f"run {manifest['run_id']} was published before with other content, and that stays: {'; '.join(different)}"
        )
    return True


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What of two manifests of one run is not the same, a sentence each.

    The version of an input may differ: the same bytes put again under the same key are the same run.
    """
    old, new = _comparable(before), _comparable(after)
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return [f"{name} was {_short(old.get(name))}, is {_short(new.get(name))}" for name in names]


def _comparable(manifest: Mapping[str, Any]) -> dict[str, Any]:
    inputs = [{name: each[name] for name in each if name != "version"} for each in manifest.get("inputs", [])]
    return {**manifest, "inputs": inputs}


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:118]} …"
