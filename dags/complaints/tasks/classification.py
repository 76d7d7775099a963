"""The Python tasks of `complaints_classification`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.aws.clients import client, environment_bucket
from complaints.aws.job_kinds import TRANSFORM
from complaints.models import promotion, registry
from complaints.models.packages import Packages
from complaints.notifications import set_aside
from complaints.runs import (
    accounting,
    cost_records,
    costs,
    documents,
    inputs,
    plans,
    publishing,
    shadows,
    source_ledger,
)
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)


def plan_classification(source: str, etag: str | None = "", version: str | None = "") -> plans.ClassificationPlan:
    """Plans the classification of the complaints in `source` (with this ETag, if one is given), and writes the plan.

    A `version` classifies in place of the model in service, and without a shadow.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    found = inputs.inputs_of(
        bucket, source, below=settings.pipeline.storage.raw, limits=settings.pipeline.limits, etag=etag or ""
    )
    if version:
        approval_of = Packages(client("sagemaker", settings), bucket.name).approval_of
        model = promotion.usable(bucket, version, approval_of)
    else:
        model = registry.model_in_service(bucket)
        registry.check_artifact(bucket, model)
    release = documents.release_in_use(bucket)
    plan = plans.classification_plan(
        found,
        source=source,
        release=release,
        model=model,
        settings=settings,
        shadow=None if version else _shadow(bucket),
        stated_version=version or "",
    )
    documents.write_plan(bucket, plan, found)
    expected = costs.of_classification(costs.complaints_in((each.key, each.size) for each in found), settings.pipeline)
    log.info("estimated cost: %s", costs.sentence(costs.cost_of(expected, settings.pipeline.prices)))
    return plan


def results_add_up(plan: plans.ClassificationPlan, accept_fewer_rows: bool = False) -> dict[str, int]:
    """The account of a run, once it adds up: no row was lost on the way, and the source did not collapse.

    Raises:
        RowsMissingError: rows are missing, or there are too many.
        RowsCollapsedError: the source has far fewer rows than in its last run.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    account = documents.job_document(bucket, plan["results_account_uri"])
    counts = accounting.check_account(account, accounting.CLASSIFICATION_FATES)
    source_ledger.check_source(bucket, plan, counts["rows_in"], settings.pipeline.limits, accept_fewer_rows)
    return counts


def publish_manifest(plan: plans.ClassificationPlan, account: Mapping[str, int]) -> str:
    """Publishes the run: copies its audited files, and writes the manifest that names them; returns its URI.

    Once it is published, files that the run set aside are reported, and its cost is recorded.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    audited = documents.job_document(bucket, plan["results_account_uri"])
    manifest = publishing.manifest_of(plan, documents.read_plan(bucket, plan), account, audited)
    folder = bucket.key(plan["candidate_uri"])
    key = publishing.publish(bucket, manifest, [f"{folder}{each['name']}" for each in audited["files"]])
    source_ledger.remember(bucket, plan, account["rows_in"], since=bucket.last_modified(key))
    set_aside.report(plan, manifest["unreadable_files"], settings)
    _record_cost(bucket, plan, account["rows_in"], settings)
    return f"s3://{bucket.name}/{key}"


def has_shadow(plan: plans.ClassificationPlan) -> bool:
    """True if a version runs as a shadow of the model in service, as it was when the run was planned."""
    return bool(plan["shadow_version"])


def compare_shadow(plan: plans.ClassificationPlan) -> dict[str, Any]:
    """Compares the answers of the shadow with those of the model in service, and writes the comparison.

    Raises:
        ShadowMismatchError: the answers are not to the same records.
    """
    bucket = environment_bucket(load_settings())
    pairs = shadows.answers(bucket, plan["scores_uri"], plan["shadow_scores_uri"])
    names = ("run_id", "model_version", "shadow_version")
    comparison = {**{name: plan[name] for name in names}, **shadows.compared(pairs)}  # type: ignore[literal-required]
    bucket.write_json(bucket.key(plan["shadow_comparison_uri"]), comparison)
    log.info("%(shadow_version)s agrees with %(model_version)s on %(agree)d of %(n)d complaints", comparison)
    return {name: comparison[name] for name in (*names, "n", "agreement")}


def _record_cost(bucket: Bucket, plan: plans.ClassificationPlan, rows: int, settings: Settings) -> None:
    names = settings.pipeline.glue
    cost_records.record(
        bucket,
        plan["run_id"],
        settings,
        glue={
            names.prepare_complaints_job: {"--plan": plan["plan_uri"]},
            names.audit_results_job: {"--run_id": plan["run_id"]},
        },
        sagemaker={plan["transform_job_name"]: TRANSFORM},
        estimated=costs.of_classification(rows, settings.pipeline),
    )


def _shadow(bucket: Bucket) -> Mapping[str, Any] | None:
    """The record of the shadow; a shadow that cannot run holds up no classification."""
    pointer, _ = promotion.read(bucket)
    if pointer is None or not (shadow := pointer.get("shadow")):
        return None
    try:
        return promotion.candidate(bucket, shadow["version"], lambda _: None).record
    except (promotion.PromotionRefusedError, registry.ModelRefusedError) as error:
        log.warning("no shadow in this run: %s", error)
        return None
