"""The plan of a backfill: which published classifications of some months are made again with another version.

A classification belongs to the month in which the newest of its files arrived. It is made again from the same files,
and left out with the reason if they are not as they were. What the version has classified before is not repeated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from complaints.errors import FinalError
from complaints.runs import costs
from complaints.runs.results import PublishedRun, files_of
from complaints.settings import PipelineSettings

PREFIX = "backfills/"
MONTH_PATTERN = r"^([0-9]{4}-(0[1-9]|1[0-2]))?$"
MONTH = "nothing, or a month such as 2026-03"
VERSION_PATTERN = r"^(v[1-9][0-9]*)?$"
VERSION = "nothing, or a version such as v3"

# The reason why the files of a run are not as they were; empty if they are.
WhyChanged = Callable[[str, Mapping[str, Any]], str]


class BackfillRefusedError(FinalError, ValueError):
    """The backfill cannot be planned; the message says what is missing or wrong."""


class BackfillIncompleteError(FinalError, RuntimeError):
    """Classifications of a backfill are not published."""


class Again(TypedDict):
    """A classification to make again: its source, and the published run that it stands beside."""

    source: str
    etag: str
    month: str
    rows: int
    before: str
    version_before: str


class Backfill(TypedDict):
    """What a backfill would do, and what that would cost, in USD by list prices; None if one is missing."""

    backfill_id: str
    months: list[str]
    version: str
    dry_run: bool
    runs: list[Again]
    done_before: int
    left_out: list[dict[str, str]]
    rows: int
    usd: float | None


def months(first: str, last: str) -> list[str]:
    """The months from `first` to `last`, both included.

    Raises:
        BackfillRefusedError: one of them is no month, or they are in the wrong order.

    >>> months("2025-11", "2026-01")
    ['2025-11', '2025-12', '2026-01']
    """
    for name, month in (("from", first), ("to", last)):
        if not month or not re.fullmatch(MONTH_PATTERN, month):
            raise BackfillRefusedError(f"{name} is {month!r}: expected a month such as 2026-03")
    if last < first:
        raise BackfillRefusedError(f"to is {last}, before from, {first}")
    found = [first]
    while found[-1] < last:
        year, number = (int(part) for part in found[-1].split("-"))
        found.append(f"{year + number // 12:04d}-{number % 12 + 1:02d}")
    return found


def backfill(
    published: Iterable[PublishedRun],
    wanted: list[str],
    version: str,
    *,
    dry_run: bool,
    source_of: Callable[[str], str],
    why_changed: WhyChanged,
    settings: PipelineSettings,
) -> Backfill:
    """The plan for the published runs, newest first; of several runs of the same files the newest is the one before.

    Raises:
        BackfillRefusedError: it is more than one backfill may be.
    """
    found: dict[Any, list[PublishedRun]] = {}
    for run in published:
        if run.manifest["arrived_at"][:7] in wanted:
            found.setdefault(files_of(run.manifest), []).append(run)
    todo = [runs[0] for runs in found.values() if all(each.manifest["model_version"] != version for each in runs)]
    again: list[Again] = []
    left_out = []
    for run in sorted(todo, key=lambda each: (each.manifest["arrived_at"], each.run_id)):
        source = source_of(run.run_id)
        if reason := why_changed(source, run.manifest):
            left_out.append({"run_id": run.run_id, "source": source, "reason": reason})
        else:
            again.append(_again(run, source))
    if len(again) > settings.backfill.max_runs:
        raise BackfillRefusedError(
            f"{len(again):,} classifications are more than backfill.max_runs allows, {settings.backfill.max_runs:,}: "
            "take fewer months"
        )
    identity = f"{wanted[0]} {wanted[-1]} {version}"
    return {
        "backfill_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "months": [wanted[0], wanted[-1]],
        "version": version,
        "dry_run": dry_run,
        "runs": again,
        "done_before": len(found) - len(todo),
        "left_out": left_out,
        "rows": sum(each["rows"] for each in again),
        "usd": _usd([each["rows"] for each in again], settings),
    }


def _again(run: PublishedRun, source: str) -> Again:
    inputs = run.manifest["inputs"]
    is_one_object = not source.endswith("/")
    return {
        "source": source,
        "etag": inputs[0]["etag"] if is_one_object else "",
        "month": run.manifest["arrived_at"][:7],
        "rows": run.manifest["account"]["rows_in"],
        "before": run.run_id,
        "version_before": run.manifest["model_version"],
    }


def _usd(rows: Iterable[int], settings: PipelineSettings) -> float | None:
    """What classifications of so many rows cost; None where a price is missing."""
    found: list[float | None] = [
        costs.cost_of(costs.of_classification(each, settings), settings.prices)["usd"] for each in rows
    ]
    known = [usd for usd in found if usd is not None]
    return round(sum(known), 2) if len(known) == len(found) else None


def estimate(found: Backfill) -> str:
    """The plan in one sentence."""
    first, last = found["months"]
    missing = "at a cost not known: pipeline_config.yaml has no price for what they run on"
    usd = missing if found["usd"] is None else f"about {found['usd']:,.2f} USD"
    return (
        f"{len(found['runs']):,} classifications of {first} to {last} with {found['version']}: {found['rows']:,} rows, "
        f"{usd}; "
        f"{found['done_before']:,} are there already, {len(found['left_out']):,} are left out"
    )


def comparison(found: Backfill, published: Iterable[PublishedRun]) -> list[dict[str, Any]]:
    """The counts and scores of each classification, before and with the version, side by side.

    Raises:
        BackfillIncompleteError: some are not published; the message names their sources.
    """
    runs = list(published)
    by_id = {run.run_id: run.manifest for run in runs}
    with_version = {files_of(run.manifest): run.manifest for run in runs if _is_of(run, found["version"])}
    pairs = [(each, by_id.get(each["before"], {})) for each in found["runs"]]
    missing = [each["source"] for each, before in pairs if not before or files_of(before) not in with_version]
    if missing:
        raise BackfillIncompleteError(
            f"{len(missing)} of {len(pairs)} classifications are not published: {', '.join(missing[:5])}; start the "
            "backfill again: it makes only these"
        )
    return [
        {"source": each["source"], "before": _figures(before), "after": _figures(with_version[files_of(before)])}
        for each, before in pairs
    ]


def _is_of(run: PublishedRun, version: str) -> bool:
    return bool(run.manifest["model_version"] == version)


def _figures(manifest: Mapping[str, Any]) -> dict[str, Any]:
    names = ("run_id", "model_version", "account", "predicted_products", "needs_review", "scores")
    return {name: manifest.get(name) for name in names}
