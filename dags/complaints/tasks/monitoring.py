"""The Python tasks of `complaints_monitoring`: the plan, and what is decided and done about an assessment."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

from botocore.config import Config

from complaints.aws.bucket import Bucket, ConflictError
from complaints.aws.clients import client, environment_bucket
from complaints.models.registry import ModelVersion
from complaints.monitoring import drift, metrics, plans, published_answers, retraining, windows
from complaints.monitoring.decision import decide
from complaints.notifications import findings
from complaints.pages import window
from complaints.runs import costs, documents, publishing
from complaints.runs.results import PublishedRun
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)

# Metrics are not worth a wait.
_HURRY = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})


class Outcome(TypedDict):
    """What was decided about a classification, in short; `retrain` names the training to start, or is empty."""

    run_id: str
    action: str
    rule: str
    reasons: list[str]
    retrain: str


def plan_monitoring(classification: str | None) -> plans.MonitoringPlan:
    """Plans the monitoring of a published classification (its run id, or its manifest's key), and writes the plan.

    Raises:
        MonitoringRefusedError: there is no such run, or what it left for this job is gone.
    """
    settings = load_settings()
    bucket, run = environment_bucket(settings), plans.run_of(classification)
    manifest = _existing(bucket, publishing.manifest_key(run), "this classification is not published")
    planned = _existing(bucket, f"manifests/planned/run_id={run}.json", "the plan of the classification")
    version = ModelVersion.named(manifest["model_version"])
    record = _existing(bucket, version.record_key, f"the record of {version.name}")
    release = documents.release_in_use(bucket)
    plan = plans.monitoring_plan(manifest, planned, record, release=release, settings=settings)
    if not plan["unassessed"] and not bucket.has_objects(plan["scores_uri"]):
        raise plans.MonitoringRefusedError(f"{plan['scores_uri']} is empty: the scores of {run} are no longer kept")
    earlier = windows.earlier_windows(bucket, version.name, run)
    recent = windows.recent_cells(earlier, settings.model.monitoring.of_windows - 1)
    answers = _answers_before(bucket, run, settings)
    document = {
        **plan,
        "earlier": earlier,
        "recent_cells": recent,
        "published_before": [each.run_id for each in answers],
    }
    bucket.write_json(bucket.key(plan["plan_uri"]), document)
    listed = published_answers.input_manifest(bucket, answers, bucket.key(plan["plan_uri"]))
    bucket.write_json(bucket.key(plan["published_uri"]), listed)
    return plan


def _answers_before(bucket: Bucket, run: str, settings: Settings) -> list[PublishedRun]:
    """The runs whose answers labels can be joined to; none where no product is published, which would say that."""
    if "product" not in settings.pipeline.results.columns:
        return []
    return published_answers.answers_before(bucket, run, settings.model.monitoring.labels_look_back)


def can_be_assessed(plan: plans.MonitoringPlan) -> bool:
    """False if there is nothing to compare, which is written down; it is no failure, and no reason for a message."""
    if not plan["unassessed"]:
        return True
    log.info("run %s is not assessed: %s", plan["run_id"], plan["unassessed"])
    found = windows.unassessed(plan["run_id"], plan["model_version"], plan["unassessed"], _now())
    settings = load_settings()
    bucket = environment_bucket(settings)
    bucket.write_json(bucket.key(plan["decision_uri"]), found)
    _put_metrics(bucket, plan["run_id"], settings)
    return False


def decide_monitoring(plan: plans.MonitoringPlan, machine: str = "") -> Outcome:
    """Decides about an assessed classification, once, and acts: one message, and a retraining where it is due.

    `machine` is the ARN of the state machine that asks, beside which that of the training is started. In Airflow it is
    empty, and the operator starts what `retrain` names. A retry finds the decision, and completes what is undone.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    key = bucket.key(plan["decision_uri"])
    found = bucket.read_json(key)
    if found is None:
        assessment = _existing(bucket, bucket.key(plan["assessment_uri"]), "clear assess_classification")
        earlier = _existing(bucket, bucket.key(plan["plan_uri"]), "clear plan_monitoring")["earlier"]
        found = _decided(bucket, assessment, earlier, settings)
        try:
            bucket.write_json(key, found, if_absent=True)
        except ConflictError:  # the other run of this classification, which acts
            return _outcome(bucket.read_json(key) or found)
        _put_metrics(bucket, found["run_id"], settings, assessment)
    log.info("run %s: %s: %s", found["run_id"], found["action"], "; ".join(found["reasons"]))
    outcome = _outcome(found)
    if outcome["retrain"] and machine:
        retraining.start_execution(client("stepfunctions", settings), machine, outcome["retrain"])
    _show(bucket, plan, found)
    _tell(bucket, f"{key.removesuffix('.json')}.told", found, settings)
    return outcome


def _decided(
    bucket: Bucket, assessment: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], settings: Settings
) -> dict[str, Any]:
    limits, now, version = settings.model.monitoring, _now(), assessment["model_version"]
    decision = decide(assessment, earlier, limits)
    if decision["action"] != "retrain":
        return windows.window(assessment, decision, None, earlier, now)
    record = _existing(bucket, ModelVersion.named(version).record_key, f"the record of {version}")
    verdict = retraining.verdict(
        retraining.locks_in(bucket),
        version=version,
        run_id=assessment["run_id"],
        now=now,
        new_labels=windows.new_labels(assessment, earlier),
        history_is_new=retraining.history_has_grown(bucket, record, settings.pipeline.storage.history),
        limits=limits,
    )
    verdict = retraining.claimed(bucket, verdict, version=version, run_id=assessment["run_id"], now=now)
    return windows.window(assessment, decision, verdict, earlier, now)


def _put_metrics(bucket: Bucket, run_id: str, settings: Settings, assessment: Mapping[str, Any] | None = None) -> None:
    manifest = _existing(bucket, publishing.manifest_key(run_id), "this classification is not published")
    cost = bucket.read_json(costs.record_key(run_id))
    metrics.put(client("cloudwatch", settings, config=_HURRY), manifest, cost, assessment)


def _show(bucket: Bucket, plan: plans.MonitoringPlan, found: Mapping[str, Any]) -> None:
    """Writes the page of the run, which the message links to, and its records of drift."""
    assessment = _existing(bucket, bucket.key(plan["assessment_uri"]), "clear assess_classification")
    bucket.write_text(bucket.key(plan["page_uri"]), window.render(assessment, found), "text/html")
    bucket.write_text(drift.key_of(found["run_id"]), drift.lines(assessment, found), drift.CONTENT_TYPE)


def _tell(bucket: Bucket, key: str, found: Mapping[str, Any], settings: Settings) -> None:
    """Publishes the message about a decision, unless that was done before; a late message is better than none."""
    if found["is_news"] and bucket.current_version(key) is None:
        findings.report(found, settings)
        bucket.mark(key)


def _outcome(found: Mapping[str, Any]) -> Outcome:
    starts = (found["retraining"] or {}).get("action") == "retrain"
    return {
        "run_id": found["run_id"],
        "action": found["action"],
        "rule": found["rule"],
        "reasons": found["reasons"],
        "retrain": retraining.name_of(found["model_version"], found["run_id"]) if starts else "",
    }


def _existing(bucket: Bucket, key: str, otherwise: str) -> dict[str, Any]:
    found: dict[str, Any] | None = bucket.read_json(key)
    if found is None:
        raise plans.MonitoringRefusedError(f"s3://{bucket.name}/{key} is absent: {otherwise}")
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
