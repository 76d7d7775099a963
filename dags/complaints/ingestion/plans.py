"""The plan of an ingestion: every name and URI that it will use, computed from what the server has now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypedDict

from complaints.ingestion.remote import SourceVersion
from complaints.settings import Settings


class IngestionPlan(TypedDict):
    """The plan of one ingestion; URIs of folders end in `/`.

    `is_new` is False if the server still has the export that was ingested last, which `previous` names (or "").
    """

    run_id: str
    flow: str
    release: str
    is_new: bool
    url: str
    previous: str
    source_uri: str
    plan_uri: str
    glue_modules_uri: str
    fetch_export_script_uri: str
    compare_exports_script_uri: str
    limits: str
    fetched_uri: str
    parsed_uri: str
    changed_uri: str
    quarantine_uri: str
    account_uri: str


def ingestion_plan(
    found: SourceVersion | None, pointer: Mapping[str, Any] | None, *, release: str, settings: Settings
) -> IngestionPlan:
    """The plan to ingest the version that the server has; `found` is None if that is the one in the pointer."""
    ingestion, limits = settings.pipeline.ingestion, settings.pipeline.limits.of_reading()
    previous = pointer["export"]["export"] if pointer else ""
    rules = [str(ingestion.first_export), ingestion.compared_columns, limits]
    identity = json.dumps(["ingestion", ingestion.url, found, previous, release, rules])
    run_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
    bucket = f"s3://{settings.pipeline.storage.bucket}"
    run, code = f"{bucket}/processed/run_id={run_id}", f"{bucket}/artifacts/{release}"
    return {
        "run_id": run_id,
        "flow": "ingestion",
        "release": release,
        "is_new": found is not None,
        "url": ingestion.url,
        "previous": previous,
        "source_uri": f"{bucket}/exports/",
        "plan_uri": f"{bucket}/manifests/planned/run_id={run_id}.json",
        "glue_modules_uri": f"{code}/glue.zip",
        "fetch_export_script_uri": f"{code}/glue/fetch_export.py",
        "compare_exports_script_uri": f"{code}/glue/compare_exports.py",
        "limits": json.dumps(limits),
        "fetched_uri": f"{run}/fetched/",
        "parsed_uri": f"{run}/parsed/",
        "changed_uri": f"{run}/changed/",
        "quarantine_uri": f"{bucket}/quarantine/run_id={run_id}/",
        "account_uri": f"{run}/account/",
    }


def plan_document(plan: IngestionPlan, pointer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The document at `plan_uri`: the plan, with the record of the export to compare with in place of its name."""
    return {**plan, "previous": pointer["export"] if pointer else None}
