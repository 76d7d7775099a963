"""The Python tasks of `complaints_backfill`: what would be classified again, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypedDict

from complaints.aws.bucket import Bucket
from complaints.aws.clients import client, environment_bucket
from complaints.models import promotion, registry
from complaints.models.packages import Packages
from complaints.runs import backfills, inputs, results
from complaints.runs.plans import PlanError
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)


class PlannedBackfill(TypedDict):
    """The plan in short: the document that has the classifications, and what it would take."""

    backfill_id: str
    plan_uri: str
    results_uri: str
    dry_run: bool
    number: int
    estimate: str


def plan_backfill(first: str | None, last: str | None, version: str | None, dry_run: bool = True) -> PlannedBackfill:
    """Plans to classify the months from `first` to `last` again, and writes the plan.

    Without a `version` it is the one that is in service now.

    Raises:
        BackfillRefusedError: a month is missing or none, or it is more than one backfill may be.
        NoModelError: no version is stated, and none is in service.
        PromotionRefusedError: there is no such version, or it may not classify.
        TypeError: `dry_run` is not a bool.
    """
    # The DAG's parameters do not check the input of an execution, and any text would count as true.
    if not isinstance(dry_run, bool):
        raise TypeError(f"dry_run is {dry_run!r}: use true or false")
    settings = load_settings()
    bucket = environment_bucket(settings)
    wanted = backfills.months(first or "", last or first or "")
    version = version or str(registry.model_in_service(bucket)["version"])
    promotion.usable(bucket, version, Packages(client("sagemaker", settings), bucket.name).approval_of)
    found = backfills.backfill(
        results.published_runs(bucket),
        wanted,
        version,
        dry_run=dry_run,
        source_of=lambda run_id: _source(bucket, run_id),
        why_changed=lambda source, manifest: _why_changed(bucket, source, manifest, settings),
        settings=settings.pipeline,
    )
    folder = f"{backfills.PREFIX}{found['backfill_id']}/"
    bucket.write_json(f"{folder}plan.json", found)
    log.info("%s%s", "dry run: " if dry_run else "", backfills.estimate(found))
    return {
        "backfill_id": found["backfill_id"],
        "plan_uri": f"s3://{bucket.name}/{folder}plan.json",
        "results_uri": f"s3://{bucket.name}/{folder}results.json",
        "dry_run": dry_run,
        "number": len(found["runs"]),
        "estimate": backfills.estimate(found),
    }


def is_for_real(plan: PlannedBackfill) -> bool:
    """False for a dry run, and where there is nothing to classify again."""
    return not plan["dry_run"] and plan["number"] > 0


def classifications(plan: PlannedBackfill) -> list[dict[str, str]]:
    """The parameters of `complaints_classification` for each run of the plan."""
    found = _plan(environment_bucket(load_settings()), plan)
    return [{"source": each["source"], "etag": each["etag"], "version": found["version"]} for each in found["runs"]]


def compare_backfill(plan: PlannedBackfill) -> str:
    """Writes the results before and with the version, side by side; returns the URI.

    Raises:
        BackfillIncompleteError: classifications are not published.
    """
    bucket = environment_bucket(load_settings())
    found = _plan(bucket, plan)
    compared = backfills.comparison(found, results.published_runs(bucket))
    document = {name: found[name] for name in ("backfill_id", "months", "version")}
    bucket.write_json(bucket.key(plan["results_uri"]), {**document, "runs": compared})
    return plan["results_uri"]


def _plan(bucket: Bucket, plan: PlannedBackfill) -> backfills.Backfill:
    found: backfills.Backfill | None = bucket.read_json(bucket.key(plan["plan_uri"]))
    if found is None:
        raise backfills.BackfillRefusedError(f"{plan['plan_uri']} is absent: clear plan_backfill")
    return found


def _source(bucket: Bucket, run_id: str) -> str:
    """The source that a run was started with; empty if its plan is no longer kept."""
    planned = bucket.read_json(f"manifests/planned/run_id={run_id}.json")
    return bucket.key(planned["source_uri"]) if planned else ""


def _why_changed(bucket: Bucket, source: str, manifest: Mapping[str, Any], settings: Settings) -> str:
    if not source:
        return f"the plan of run {manifest['run_id']} is no longer kept"
    storage, limits = settings.pipeline.storage, settings.pipeline.limits
    try:
        now = inputs.inputs_of(bucket, source, below=storage.raw, limits=limits)
    except PlanError as error:
        return str(error)
    files = tuple(sorted((f"s3://{bucket.name}/{each.key}", each.etag) for each in now))
    return "" if files == results.files_of(manifest) else f"s3://{bucket.name}/{source} has other files than then"
