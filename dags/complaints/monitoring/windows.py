"""The windows of one version: what was decided about the classifications before, as far as the next decision needs it.

A window is the decision of one run, `monitoring/run_id=…/decision.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.aws.objects import oldest_first
from complaints.monitoring.decision import Decision, has_drifted
from complaints.monitoring.plans import PREFIX, decision_key
from complaints.monitoring.retraining import Verdict

# Decisions that are read, the newest ones: a listing shows their times, and not their versions.
_MOST = 50
_SILENT = ("wait", "keep")


def earlier_windows(bucket: Bucket, version: str, run_id: str) -> list[Mapping[str, Any]]:
    """The windows of `version` without that of `run_id`, newest last; of the newest decisions of all versions only."""
    listed = (each for each in bucket.objects(PREFIX) if each.key.endswith("/decision.json"))
    newest = sorted((each for each in listed if each.key != decision_key(run_id)), key=oldest_first)[-_MOST:]
    found = [window for each in newest if (window := bucket.read_json(each.key))]
    return sorted(
        (each for each in found if each["model_version"] == version), key=lambda each: str(each["decided_at"])
    )


def recent_cells(earlier: Sequence[Mapping[str, Any]], number: int) -> list[list[Any]]:
    """The labelled complaints, as [label, answer, count], of the last `number` windows that count."""
    found: Counter[tuple[str, str]] = Counter()
    for each in [each for each in earlier if each["counts"]][-number:] if number else []:
        for label, answer, count in each["cells"]:
            found[label, answer] += count
    return [[*pair, count] for pair, count in sorted(found.items())]


def window(
    assessment: Mapping[str, Any],
    decision: Decision,
    retraining: Verdict | None,
    earlier: Sequence[Mapping[str, Any]],
    now: str,
) -> dict[str, Any]:
    """The document of a decision; `is_news` unless the last window of the version ended in the same way."""
    counts = not assessment["violations"] and assessment["sufficient"]
    found = {
        "run_id": assessment["run_id"],
        "model_version": assessment["model_version"],
        "decided_at": now,
        **decision,
        "retraining": retraining,
        "counts": counts,
        "drifted": has_drifted(assessment),
        "cells": assessment["cells"] if counts else [],
    }
    repeated = decision["action"] != "stop" and bool(earlier) and _ending(earlier[-1]) == _ending(found)
    return {**found, "is_news": decision["action"] not in _SILENT and not repeated}


def unassessed(run_id: str, version: str, reason: str, now: str) -> dict[str, Any]:
    """The document about a classification that nothing was compared of."""
    return {
        "run_id": run_id,
        "model_version": version,
        "decided_at": now,
        "action": "wait",
        "rule": "not_assessed",
        "reasons": [reason],
        "retraining": None,
        "counts": False,
        "drifted": False,
        "cells": [],
        "is_news": False,
    }


def new_labels(assessment: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> int:
    """The number of complaints with a label, in this window and those before, that the model was not trained on."""
    cells = [*assessment["cells"], *(cell for each in earlier for cell in each["cells"])]
    return sum(int(count) for _, _, count in cells)


def _ending(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return found["action"], found["rule"], (found["retraining"] or {}).get("action")
