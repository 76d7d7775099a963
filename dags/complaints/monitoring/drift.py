"""The records of drift: each signal of a monitored classification, as lines of JSON that SQL reads as one table.

They have a prefix of their own, since a table reads every object below its prefix: `drift/run_id=….jsonl`, one object
for each run. They have names and numbers, and never a word of a complaint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypedDict

PREFIX = "drift/"
CONTENT_TYPE = "application/x-ndjson"


class Record(TypedDict):
    """One signal of one run, with what is known of the run; the last four are null where nothing was compared."""

    run_id: str
    decided_at: str
    model_version: str
    complaints: int
    estimated_accuracy: float | None
    action: str
    rule: str
    signal: str | None
    value: float | None
    threshold: float | None
    drifted: bool | None


def key_of(run_id: str) -> str:
    """The key of a run's records."""
    return f"{PREFIX}run_id={run_id}.jsonl"


def records(assessment: Mapping[str, Any], found: Mapping[str, Any]) -> list[Record]:
    """A record for each signal of an assessment with the decision `found`; without signals, one where they are null."""
    signals = assessment["signals"] or {None: {"value": None, "threshold": None, "moved": None}}
    return [
        {
            "run_id": found["run_id"],
            "decided_at": found["decided_at"],
            "model_version": found["model_version"],
            "complaints": assessment["n"],
            "estimated_accuracy": (assessment["estimated_accuracy"] or {}).get("estimate"),
            "action": found["action"],
            "rule": found["rule"],
            "signal": name,
            "value": signal["value"],
            "threshold": signal["threshold"],
            "drifted": signal["moved"],
        }
        for name, signal in signals.items()
    ]


def lines(assessment: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The same as JSON Lines; of the same assessment and decision always the same."""
    return "".join(f"{json.dumps(each)}\n" for each in records(assessment, found))
