"""The Python tasks around a person's approval of a model version."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from complaints.aws.clients import client, environment_bucket
from complaints.models import approval, promotion
from complaints.models.packages import APPROVED, REJECTED, Packages
from complaints.models.registry import ModelVersion
from complaints.notifications import questions
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)


def ask_for_approval(version: str, token: str = "") -> dict[str, Any]:
    """Asks people by one message to approve a version; returns the question, with `is_open` False if it was answered.

    `token` is the task token of the execution that waits for the answer.
    """
    settings = load_settings()
    bucket = environment_bucket(settings)
    states = client("stepfunctions", settings)
    is_open = approval.ask(bucket, _packages(settings), states, version, _now(), token)
    record = bucket.read_json(ModelVersion.named(version).record_key) or {}
    question = questions.text(version, record, bucket.name)
    if is_open:
        questions.publish(version, question, settings)
    return {"version": version, "is_open": is_open, "question": question}


def record_answer(version: str, approved: bool, by: str) -> None:
    """Keeps the answer that a person gave in Airflow in the Model Registry."""
    settings = load_settings()
    word = promotion.decision(by, _now(), "answered in Airflow")
    states, status = client("stepfunctions", settings), APPROVED if approved else REJECTED
    approval.answer(environment_bucket(settings), _packages(settings), states, version, status, word)


def is_approved(version: str) -> bool:
    """True if the Model Registry has the approval of a version; without an answer it has not."""
    found = _packages(load_settings()).approval_of(version)
    if not approval.is_approved(found):
        log.info("%s is not promoted: %s", version, found.status if found else "it has no package")
    return approval.is_approved(found)


def _packages(settings: Settings) -> Packages:
    return Packages(client("sagemaker", settings), settings.pipeline.storage.bucket)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
