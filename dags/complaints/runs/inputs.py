"""The objects that a run reads: those of its source that are complaints, within the limits of one run."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from complaints.aws.bucket import Bucket
from complaints.aws.objects import ObjectVersion, has_control_characters, oldest_first
from complaints.runs.plans import PlanError
from complaints.settings import Limits, Storage

log = logging.getLogger(__name__)

# The suffixes of complaints, in any case. The reader looks at a file's first bytes for what it really is.
OUR_SUFFIXES = (".csv", ".csv.gz", ".zip")
_HIDDEN = ("_", ".")


def inputs_of(bucket: Bucket, source: str, *, below: str, limits: Limits, etag: str = "") -> list[ObjectVersion]:
    """The objects of `source` that are complaints, as they are now, oldest first.

    Raises:
        PlanError: `source` is not below the prefix `below`, holds no complaints, or holds more than one run may read.
    """
    checked_source(source, Storage.source_pattern(below))
    found = complaints_objects(bucket.current_versions(source), bucket=bucket.name, source=source, etag=etag)
    return within_limits(found, bucket=bucket.name, limits=limits)


def checked_source(source: str, pattern: str) -> str:
    """`source`, if a run may read it. The DAG's parameters do not check the input of a state machine's execution.

    Raises:
        PlanError: it is outside of the prefix, or has characters that a source must not have.
    """
    if not re.fullmatch(pattern, source):
        raise PlanError(f"{source!r} may not be read: it must match {pattern}")
    return source


def why_not_complaints(listed: ObjectVersion, below: str = "") -> str | None:
    """The reason why an object is no input of a run; None if it is one.

    `below` is the folder or the key that was named: how its own parts begin does not matter.
    """
    *folders, name = listed.key.removeprefix(below).split("/")
    if listed.key.endswith("/"):
        return "a folder marker"
    if name[:1] in _HIDDEN:
        return "an unfinished upload, as its name says"
    # _temporary/ of a Spark that is still writing, __MACOSX/, .ipynb_checkpoints/; no run may read a key with `..`.
    if hidden := next((folder for folder in folders if folder[:1] in _HIDDEN and folder != ".."), None):
        return f"in the folder {hidden}, whose name says that its files are none"
    name = listed.key.rpartition("/")[2]
    if not name.lower().endswith(OUR_SUFFIXES):
        return "no .csv, .csv.gz or .zip file"
    return None if listed.size else "empty"


def complaints_objects(
    listed: Iterable[ObjectVersion], *, bucket: str, source: str, etag: str = ""
) -> list[ObjectVersion]:
    """The objects of `source` that are complaints, oldest first; if `source` is one object's key, only that one.

    Folder markers, empty objects, and names of files and folders below `source` that begin with `_` or `.` (unfinished
    uploads) are left out. So are keys with control characters, each with a warning: one unreadable name does not stop
    the other files.

    Raises:
        PlanError: none is left, or the one object no longer has the ETag `etag`.
    """
    named = (each for each in listed if source.endswith("/") or each.key == source)
    chosen = sorted((each for each in named if _is_input(each, source)), key=oldest_first)
    if not chosen:
        raise PlanError(
            f"no complaints under s3://{bucket}/{source}: put at least one .csv, .csv.gz or .zip file there"
        )
    if etag and [each.etag for each in chosen] != [etag]:
        found = ", ".join(f"{each.key} with ETag {each.etag}" for each in chosen)
        raise PlanError(
            f"{source!r} is no longer the object with ETag {etag}: found {found}, which needs a run of its own"
        )
    return chosen


def _is_input(listed: ObjectVersion, source: str) -> bool:
    if why_not_complaints(listed, source):
        return False
    if has_control_characters(listed.key):
        log.warning("not read: the key %r has control characters; upload the file under another name", listed.key)
        return False
    return True


def within_limits(inputs: list[ObjectVersion], *, bucket: str, limits: Limits) -> list[ObjectVersion]:
    """The inputs, if one run may read that many files, and files that large.

    Raises:
        PlanError: it may not; the message names the object, its size, the limit and the setting.
    """
    if len(inputs) > limits.max_files:
        raise PlanError(
            f"{len(inputs):,} files are more than one run may read: put fewer under one prefix, or raise "
            f"limits.max_files ({limits.max_files:,}) in pipeline_config.yaml"
        )
    largest = max(inputs, key=lambda each: each.size)
    if largest.size > limits.max_file_mb * 1_000_000:
        raise PlanError(
            f"s3://{bucket}/{largest.key} has {largest.size / 1_000_000:,.1f} MB: split it, or raise "
            f"limits.max_file_mb ({limits.max_file_mb:,}) in pipeline_config.yaml"
        )
    return inputs
