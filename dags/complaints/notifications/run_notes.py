"""The notes of runs: what came of one, in one line, as Airflow's UI shows it beside the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.monitoring.plans import MonitoringPlan
from complaints.pages.outcome import outcome
from complaints.pages.words import ENGLISH
from complaints.runs import publishing


def of_publication(_: str, plan: Mapping[str, Any], account: Mapping[str, int]) -> str:
    """What a classification has published, before it is monitored."""
    return outcome({"account": account, "model_version": plan["model_version"]})


def of_registration(version: str, _plan: object, _trained: object, _chosen: object, decision: Mapping[str, Any]) -> str:
    """The version that a training has made, its verdict, and the first reason.

    >>> of_registration("v3", {}, {}, {}, {"verdict": "HOLD", "reasons": ["too few complaints", "too old"]})
    'v3, HOLD: too few complaints'
    """
    return f"{version}, {decision['verdict']}: {decision['reasons'][0]}"


def of_change(pointer: Mapping[str, Any], *_: object) -> str:
    """What is in service after a promotion, and what was changed.

    >>> of_change({"version": "v3", "last_change": {"action": "promote", "version": "v3", "by": "jane.doe"}})
    'v3 in service: promote v3, by jane.doe'
    """
    change = pointer.get("last_change")
    done = f": {change['action']} {change['version']}, by {change['by']}" if change else ""
    return f"{pointer['version']} in service{done}"


def of_ingestion(batch: Mapping[str, Any], *_: object) -> str:
    """What an ingestion has put under raw/.

    >>> of_ingestion({"new": 1200, "changed": 3})
    '1,200 new, 3 changed complaints'
    """
    return f"{batch['new']:,} new, {batch['changed']:,} changed complaints"


def of_monitoring(bucket: Bucket, plan: MonitoringPlan, decided: Mapping[str, Any]) -> tuple[str, str]:
    """The note of a monitoring, and that of the classification that it looked at: with the estimated accuracy."""
    assessment = bucket.read_json(bucket.key(plan["assessment_uri"])) or {}
    manifest = bucket.read_json(publishing.manifest_key(plan["run_id"])) or {}
    estimate = assessment.get("estimated_accuracy")
    known = f"estimated accuracy {ENGLISH.score(estimate['estimate'])}, " if estimate else ""
    reasons = "; ".join(decided["reasons"])
    return f"run {plan['run_id']}: {known}{decided['action']}: {reasons}", outcome(manifest, estimate)
