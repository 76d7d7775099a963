"""A task that knows what came of its run leaves it for the note of the run, and in its log."""

from __future__ import annotations

import doctest
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import set_current_context
from operators.notes import notes

from complaints.notifications import run_notes

COUNTS = {"rows_in": 1600, "classified": 1525, "without_narrative": 50, "quarantined": 15, "superseded": 10}


def test_the_note_of_a_publication_is_made_of_what_was_returned_and_passed(caplog: pytest.LogCaptureFixture) -> None:
    pushed: dict[str, str] = {}
    given: Any = {"ti": SimpleNamespace(xcom_push=pushed.__setitem__)}
    publish = notes(run_notes.of_publication, lambda plan, account: "s3://bucket/manifests/run_id=7.json")
    with set_current_context(given), caplog.at_level(logging.INFO):
        assert publish({"model_version": "v3"}, COUNTS) == "s3://bucket/manifests/run_id=7.json"
    assert pushed == {"note": "1,525 classified, 15 quarantined, v3"}
    assert "1,525 classified, 15 quarantined, v3" in caplog.text


def test_the_examples_of_the_notes_run() -> None:
    assert doctest.testmod(run_notes).failed == 0


class _Documents(dict[str, Any]):
    """The documents of a bucket, by key."""

    def key(self, uri: str) -> str:
        return uri.removeprefix("s3://bucket/")

    def read_json(self, key: str) -> Any:
        return self.get(key)


def test_the_notes_of_a_monitoring_have_the_estimate_and_the_decision() -> None:
    manifest = {"account": COUNTS, "model_version": "v3"}
    documents: Any = _Documents(
        {"m.json": {"estimated_accuracy": {"estimate": 0.861}}, "manifests/run_id=7.json": manifest}
    )
    plan: Any = {"run_id": "7", "assessment_uri": "s3://bucket/m.json"}
    decided = {"action": "keep", "reasons": ["nothing has changed"]}
    assert run_notes.of_monitoring(documents, plan, decided) == (
        "run 7: estimated accuracy 0.861, keep: nothing has changed",
        "1,525 classified, 15 quarantined, v3, estimated accuracy 0.861",
    )
