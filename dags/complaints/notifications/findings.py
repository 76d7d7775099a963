"""The message about what monitoring found and did, and what a person has to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.notifications import alerts
from complaints.settings import Settings

_SUBJECTS = {
    "stop": "{run_id}: the complaints or their results are faulty",
    "person": "Monitoring of {model_version} needs a person",
    "evaluate": "Complaints have changed: evaluate {model_version}",
    "retrain": "{model_version} has become worse",
}
_WHAT_TO_DO = {
    "stop": "Look at the source of these complaints: they came to harm on the way. Nothing else counts.",
    "person": "Add the rule, then train.",
    "evaluate": "Put labelled complaints of this time under history/ and start complaints_training: its gate compares.",
}


def report(found: Mapping[str, Any], settings: Settings) -> str:
    """Publishes one SNS message about a decision; returns its subject.

    Raises:
        ClientError: SNS refused the message six times.
    """
    subject = _SUBJECTS[found["action"]].format(**found)
    attributes = {"flow": "complaints_monitoring", "action": str(found["action"])}
    alerts.publish(settings, subject, message(found, settings.pipeline.storage.bucket), attributes)
    return subject


def report_alarm(alarm: str, version: str, run_id: str, reason: str, settings: Settings) -> None:
    """Publishes one SNS message about the retraining that an alarm of CloudWatch started.

    Raises:
        ClientError: SNS refused the message six times.
    """
    text = [
        f"{version} is in service, and the decision about run {run_id} was to retrain it.",
        "",
        f"complaints_training is started: {reason}. Its gate decides about the new version.",
        f"Page: s3://{settings.pipeline.storage.bucket}/monitoring/run_id={run_id}/monitoring.html",
    ]
    attributes = {"flow": "complaints_monitoring", "action": "retrain"}
    alerts.publish(settings, f"{alarm}: {version} has become worse", "\n".join(text), attributes)


def message(found: Mapping[str, Any], bucket: str) -> str:
    """The text: the reasons, what is done about them, and where the figures are."""
    lines = [f"- {reason}" for reason in found["reasons"]]
    return "\n".join(
        [
            f"Run {found['run_id']}, classified by {found['model_version']}:",
            "",
            *lines,
            "",
            _done(found),
            f"Page: s3://{bucket}/monitoring/run_id={found['run_id']}/monitoring.html",
        ]
    )


def _done(found: Mapping[str, Any]) -> str:
    retraining = found["retraining"]
    if not retraining:
        return _WHAT_TO_DO[found["action"]]
    if retraining["action"] == "retrain":
        return f"complaints_training is started: {retraining['reason']}. Its gate decides about the new version."
    needed = "A person is needed: " if retraining["action"] == "person" else ""
    return f"Nothing is trained. {needed}{retraining['reason']}"
