"""The question that people get about a version of the model that awaits their approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.notifications import alerts
from complaints.settings import Settings


def text(version: str, record: Mapping[str, Any], bucket: str) -> str:
    """The question about a version: its verdict with the reasons, where its record is, and how to answer."""
    verdict = record.get("verdict") or {}
    return "\n".join(
        [
            f"{version} of the complaints model awaits approval. Without an answer it is not promoted.",
            "",
            f"Verdict of the gate: {verdict.get('verdict', 'none')}",
            *(f"- {reason}" for reason in verdict.get("reasons", [])),
            f"Record: s3://{bucket}/models/versioned/{version}/model.json",
            "",
            "Answer in Airflow where the task waits there, or by ModelApprovalStatus in the Model Registry; with "
            f"make up, by make approve VERSION={version} or make reject.",
        ]
    )


def publish(version: str, question: str, settings: Settings) -> None:
    """Publishes the question to the topic of alerts."""
    attributes = {"flow": "complaints_training", "step": "approve_model"}
    alerts.publish(settings, f"{version} awaits approval", question, attributes)
