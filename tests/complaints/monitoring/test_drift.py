"""The records of drift: one of each signal, of numbers and names only, with the columns of the Glue table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from complaints.monitoring import drift
from localaws.cloudformation.templates import read_template
from tests.complaints.monitoring.test_decision import STILL, UNKNOWN, assessment

INFRA = Path(__file__).parents[3] / "infra"
FOUND = {
    "run_id": "0123456789abcdef",
    "decided_at": "2026-01-02T03:04:05+00:00",
    "model_version": "v3",
    "action": "keep",
    "rule": "nothing",
    "reasons": ["nothing has changed beyond chance"],
}
MOVED = {"value": 0.25, "threshold": 0.125, "moved": True}


def read(**found: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in drift.lines(assessment(**found), FOUND).splitlines()]


def test_each_signal_has_a_record_with_what_is_known_of_its_run() -> None:
    still, moved = read(signals={"length": STILL, "class_mix": MOVED})
    assert (still["signal"], still["value"], still["threshold"], still["drifted"]) == ("length", 0.01, 0.02, False)
    assert moved == {
        "run_id": "0123456789abcdef",
        "decided_at": "2026-01-02T03:04:05+00:00",
        "model_version": "v3",
        "complaints": 400,
        "estimated_accuracy": 0.82,
        "action": "keep",
        "rule": "nothing",
        "signal": "class_mix",
        "value": 0.25,
        "threshold": 0.125,
        "drifted": True,
    }


def test_a_run_in_which_nothing_was_compared_has_one_record_without_a_signal() -> None:
    (record,) = read(n=7, signals=None, estimated_accuracy=None)
    assert (record["complaints"], record["estimated_accuracy"], record["action"]) == (7, None, "keep")
    assert {record[name] for name in ("signal", "value", "threshold", "drifted")} == {None}


def test_no_text_of_a_complaint_or_of_a_file_is_in_a_record() -> None:
    text = drift.lines(assessment(**UNKNOWN, words=["a narrative"]), FOUND | {"reasons": ["'Buy now, pay later'"]})
    assert "Buy now" not in text
    assert "narrative" not in text


def test_the_glue_table_has_the_columns_of_a_record_and_reads_its_prefix() -> None:
    template = read_template((INFRA / "data.yaml").read_text(encoding="utf-8"))
    storage = template["Resources"]["Drift"]["Properties"]["TableInput"]["StorageDescriptor"]
    assert [each["Name"] for each in storage["Columns"]] == list(drift.Record.__annotations__)
    assert storage["Location"] == {"Fn::Sub": f"s3://${{Bucket}}/{drift.PREFIX}"}
    assert drift.key_of("1").startswith(drift.PREFIX)
