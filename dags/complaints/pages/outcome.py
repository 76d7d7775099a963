"""The outcome of a classification in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.pages.words import ENGLISH, Words


def outcome(manifest: Mapping[str, Any], estimate: Mapping[str, float] | None = None, say: Words = ENGLISH) -> str:
    """What a run has published, and with which model; with the estimated accuracy, once it was monitored.

    >>> outcome({"account": {"classified": 1525, "quarantined": 15}, "model_version": "v3"}, {"estimate": 0.861})
    '1,525 classified, 15 quarantined, v3, estimated accuracy 0.861'
    """
    counts = manifest.get("account") or {}
    told = [f"{say.count(int(counts.get(fate, 0)))} {say(fate)}" for fate in ("classified", "quarantined")]
    told.append(str(manifest.get("model_version", "")))
    if estimate:
        told.append(f"{say('estimated accuracy')} {say.score(estimate['estimate'])}")
    return ", ".join(filter(None, told))
