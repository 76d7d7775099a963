"""The Python tasks of `complaints_ingestion`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from complaints.aws.clients import environment_bucket
from complaints.ingestion import exports, plans, publishing, remote
from complaints.runs import accounting, documents, source_ledger
from complaints.settings import load_settings

log = logging.getLogger(__name__)


def plan_ingestion() -> plans.IngestionPlan:
    """Asks the server which export it has, plans its ingestion, and writes the plan.

    Raises:
        SourceRefusedError: the server refuses, or does not say which export it has.
        SourceUnavailableError: the server cannot be reached, or is busy.
    """
    settings = load_settings()
    ingestion, bucket = settings.pipeline.ingestion, environment_bucket(settings)
    pointer = exports.last_ingested(bucket)
    asked = remote.Asked(ingestion.connect_timeout_seconds, ingestion.stall_timeout_seconds)
    found = remote.version_unless(ingestion.url, exports.source_version(pointer, ingestion.url), asked)
    release = documents.release_in_use(bucket)
    plan = plans.ingestion_plan(found, pointer, release=release, settings=settings)
    bucket.write_json(bucket.key(plan["plan_uri"]), plans.plan_document(plan, pointer))
    return plan


def is_new_export(plan: plans.IngestionPlan) -> bool:
    """False if the server still has the export that was ingested last: then nothing is left to do."""
    if not plan["is_new"]:
        log.info("nothing to do: %s still has the export %s, which was ingested", plan["url"], plan["previous"])
    return plan["is_new"]


def export_adds_up(
    plan: plans.IngestionPlan, accept_fewer_rows: bool = False, accept_many_rows: bool = False
) -> dict[str, int]:
    """The account of an export, once it adds up: no row was lost, the export did not collapse, nor changed all over.

    Raises:
        RowsMissingError: rows are missing, or there are too many.
        RowsCollapsedError: the export has far fewer rows than the last one.
        BatchTooLargeError: far more complaints are new or changed than a day brings.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    counts = accounting.check_account(documents.job_document(bucket, plan["account_uri"]), accounting.INGESTION_FATES)
    pointer = exports.last_ingested(bucket)
    last = pointer and {name: pointer[name] for name in ("run_id", "rows_in")} | {"source": plan["url"]}
    least = settings.pipeline.limits.min_rows_of_last_run
    source_ledger.check_rows(counts["rows_in"], last, plan, least=least, accept_fewer=accept_fewer_rows)
    if pointer:
        publishing.check_batch(counts, settings.pipeline.ingestion.max_batch_rows, accept_many=accept_many_rows)
    return counts


def publish_export(plan: plans.IngestionPlan, account: Mapping[str, int]) -> dict[str, Any]:
    """Puts what is new or changed under raw/ as one batch, and moves the pointer; returns the batch and the counts."""
    settings = load_settings()
    bucket = environment_bucket(settings)
    compared = documents.job_document(bucket, plan["account_uri"])
    document = publishing.publish(bucket, plan, account, compared, settings.pipeline.storage.batches)
    log.info("%s new and %s changed complaints: %s", document["new"], document["changed"], document["batch"])
    return {name: document[name] for name in ("batch", "rows_in", *accounting.INGESTION_FATES)}
