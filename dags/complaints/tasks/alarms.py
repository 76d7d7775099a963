"""What follows when CloudWatch raises an alarm: the retraining that the last decision wanted, by the same guard.

An alarm decides nothing. It is a second way to the start of a retraining, beside the monitoring of each run: for new
labels, or a newer history, that were not there when the run was monitored.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.aws.clients import client, environment_bucket
from complaints.models import registry
from complaints.monitoring import plans, retraining, windows
from complaints.notifications import findings
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)


def retrain_on_alarm(event: Mapping[str, Any]) -> dict[str, str]:
    """Starts a retraining where the last decision about the version in service is one, once; returns what it did.

    `event` is EventBridge's "CloudWatch Alarm State Change". The lock and the training are named by its id, so a
    repeated delivery completes what the first one began, and starts nothing more.
    """
    settings, alarm = load_settings(), str(event["detail"]["alarmName"])
    bucket = environment_bucket(settings)
    record = registry.model_in_service_if_any(bucket)
    if event["detail"]["state"]["value"] != "ALARM" or record is None:
        return _ignored(alarm, "it is not raised, or no model is in service")
    version, asker = record["version"], f"alarm-{event['id']}"
    known = windows.earlier_windows(bucket, version, "")
    if not known or known[-1]["action"] != "retrain":
        return _ignored(alarm, f"the last decision about {version} is not to retrain it")
    if _is_started(bucket, version, asker):
        return _ignored(alarm, f"{version} is being retrained already")
    now, limits = datetime.now(UTC).isoformat(timespec="seconds"), settings.model.monitoring
    outcome = retraining.verdict(
        retraining.locks_in(bucket),
        version=version,
        run_id=asker,
        now=now,
        new_labels=windows.new_labels({"cells": []}, known),
        history_is_new=retraining.history_has_grown(bucket, record, settings.pipeline.storage.history),
        limits=limits,
    )
    outcome = retraining.claimed(bucket, outcome, version=version, run_id=asker, now=now)
    if outcome["action"] != "retrain":  # what hinders it was told with the decision
        return _ignored(alarm, outcome["reason"])
    _start(event, retraining.name_of(version, asker), settings)
    told = f"{plans.PREFIX}alarms/{event['id']}.told"
    if bucket.current_version(told) is None:
        findings.report_alarm(alarm, version, known[-1]["run_id"], outcome["reason"], settings)
        bucket.mark(told)
    return {"alarm": alarm, "action": outcome["action"], "reason": outcome["reason"]}


def _start(event: Mapping[str, Any], name: str, settings: Settings) -> None:
    """Starts the training where the flows of the environment run."""
    if environment := settings.pipeline.aws.mwaa_environment:
        retraining.start_dag_run(client("mwaa", settings), environment, name)
    else:
        retraining.start_execution(client("stepfunctions", settings), _beside(event), name)


def _ignored(alarm: str, reason: str) -> dict[str, str]:
    log.info("%s: nothing is done: %s", alarm, reason)
    return {"alarm": alarm, "action": "none", "reason": reason}


def _is_started(bucket: Bucket, version: str, asker: str) -> bool:
    """True if another than `asker` holds the lock of the version; whoever holds it starts the training, and tells."""
    lock = retraining.locks_in(bucket).get(version)
    return lock is not None and lock["run_id"] != asker


def _beside(event: Mapping[str, Any]) -> str:
    """The ARN of any state machine of the alarm's account and region."""
    partition = event["resources"][0].split(":")[1]
    return f"arn:{partition}:states:{event['region']}:{event['account']}:stateMachine:any"
