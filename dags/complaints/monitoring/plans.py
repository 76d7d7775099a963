"""The plan of monitoring one published classification: its files, its model's baseline, and where the findings go.

The same classification gives the same plan, so that a retry, or a second event of the same manifest, finds the job.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from complaints.aws.job_kinds import PROCESSING
from complaints.errors import FinalError
from complaints.runs.plans import checked_name
from complaints.settings import Settings

PREFIX = "monitoring/"
# The run id, or the key of the manifest, which is what an event of S3 knows.
RUN_PATTERN = r"^([0-9a-f]{16}|manifests/run_id=[0-9a-f]{16}\.json)?$"
RUN = "the run id of a published classification, 16 hex digits, or the key of its manifest"


class MonitoringRefusedError(FinalError, LookupError):
    """The classification cannot be monitored: it is not published, or its files are gone."""


class MonitoringPlan(TypedDict):
    """The plan; URIs of folders end in `/`. `unassessed` says why there is nothing to compare; empty if there is."""

    run_id: str
    model_version: str
    model_sha256: str
    baseline_sha256: str
    unassessed: str
    plan_uri: str
    baseline_uri: str
    records_uri: str
    scores_uri: str
    complaints_uri: str
    account_uri: str
    published_uri: str
    monitoring_code_uri: str
    monitoring_job_name: str
    monitoring_uri: str
    assessment_uri: str
    decision_uri: str
    page_uri: str


def run_of(given: str | None) -> str:
    """The run id in `given`, which is one or the key of a manifest.

    Raises:
        MonitoringRefusedError: it is neither.
    """
    if not given or not re.fullmatch(RUN_PATTERN, given):
        raise MonitoringRefusedError(f"run_id {given!r}: expected {RUN}")
    return given.removeprefix("manifests/run_id=").removesuffix(".json")


def decision_key(run_id: str) -> str:
    """The key of the decision about a classification."""
    return f"{PREFIX}run_id={run_id}/decision.json"


def monitoring_plan(
    manifest: Mapping[str, Any],
    planned: Mapping[str, Any],
    record: Mapping[str, Any],
    *,
    release: str,
    settings: Settings,
) -> MonitoringPlan:
    """The plan for a published run, given by its manifest and its own plan, and for its model, given by its record."""
    bucket, run_id = f"s3://{settings.pipeline.storage.bucket}", manifest["run_id"]
    folder = f"{bucket}/{PREFIX}run_id={run_id}/"
    return {
        "run_id": run_id,
        "model_version": manifest["model_version"],
        "model_sha256": manifest["model_sha256"],
        "baseline_sha256": record.get("evaluated_sha256") or record["sha256"],
        "unassessed": _unassessed(manifest, planned, record),
        "plan_uri": f"{folder}plan.json",
        "baseline_uri": record.get("baseline_uri") or "",
        "records_uri": planned["records_uri"],
        "scores_uri": planned["scores_uri"],
        "complaints_uri": planned["complaints_uri"],
        "account_uri": planned["results_account_uri"],
        "published_uri": f"{folder}published.manifest",
        "monitoring_code_uri": f"{bucket}/artifacts/{release}/monitoring/",
        "monitoring_job_name": checked_name(
            "monitoring_job_name", f"complaints-monitor-{run_id}", PROCESSING.longest_planned_name
        ),
        "monitoring_uri": folder,
        "assessment_uri": f"{folder}monitoring.json",
        "decision_uri": f"{bucket}/{decision_key(run_id)}",
        "page_uri": f"{folder}monitoring.html",
    }


def _unassessed(manifest: Mapping[str, Any], planned: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    if planned.get("stated_version"):
        return f"{record['version']} was stated: complaints that are classified again are no new window"
    if not record.get("baseline_uri"):
        return (
            f"no baseline: {record['version']} was evaluated on fewer than 100 complaints, or before there were "
            "baselines; the next training writes one"
        )
    if not manifest["account"]["classified"]:
        return "no complaint was classified"
    return ""
