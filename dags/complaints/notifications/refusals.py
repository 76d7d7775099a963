"""The message about a trained model that did not pass the gate: an outcome, not a failure."""

from __future__ import annotations

from collections.abc import Sequence

from complaints.notifications import alerts
from complaints.settings import Settings


def report(version: str, verdict: str, reasons: Sequence[str], settings: Settings) -> str:
    """Publishes one SNS message with the verdict and its reasons; returns the subject.

    Raises:
        ClientError: SNS refused the message six times.
    """
    subject = f"Model {version} is not in service: {verdict}"
    lines = [
        f"{subject}.",
        "",
        *(f"- {reason}" for reason in reasons),
        "",
        f"Its card: s3://{settings.pipeline.storage.bucket}/models/versioned/{version}/card.md",
    ]
    alerts.publish(settings, subject, "\n".join(lines), {"flow": "complaints_training", "verdict": verdict})
    return subject
