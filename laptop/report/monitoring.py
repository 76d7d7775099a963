"""The section on the monitoring of a classification: the sentence with the decision, and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.pages.formatting import part, plain, score
from complaints.pages.markup import Markup
from complaints.pages.window import Monitored, section_of

_ACTIONS = {
    "keep": "none",
    "wait": "none",
    "stop": "stop, and look at the source",
    "person": "a person is needed",
    "evaluate": "evaluate the model",
}


def monitoring_sentence(found: Mapping[str, Any]) -> str:
    """The figures and the decision in one sentence; empty if the run was not monitored.

    >>> accuracy = {"estimate": 0.861, "low": 0.84, "high": 0.88}
    >>> monitoring_sentence({"action": "keep", "estimated_accuracy": accuracy, "signals": {"length": {"moved": False}}})
    'estimated accuracy 0.861 (0.840 to 0.880), no drift, decision: none'
    >>> monitoring_sentence({"action": "wait", "reasons": ["no baseline: v1 was evaluated on 90 complaints"]})
    'no baseline: v1 was evaluated on 90 complaints, decision: none'
    """
    if not found:
        return ""
    estimate, moved = part(found, "estimated_accuracy"), _moved(found)
    figures = [f"estimated accuracy {_interval(estimate)}"] if estimate else found.get("reasons", [])[:1]
    if found.get("signals"):
        figures.append(f"drift of {', '.join(map(plain, moved))}" if moved else "no drift")
    return ", ".join([*figures, f"decision: {_decision(found)}"])


def monitored(found: Mapping[str, Any]) -> Markup | None:
    """The section of the report; None if the run was not monitored."""
    if not found:
        return None
    # The summary has the figures and the decision in one.
    lead = f"These complaints beside those that the model was evaluated on: {monitoring_sentence(found)}."
    return section_of(Monitored("", found, found), lead=lead)


def _interval(value: Mapping[str, Any]) -> str:
    return f"{score(value.get('estimate'))} ({score(value.get('low'))} to {score(value.get('high'))})"


def _moved(found: Mapping[str, Any]) -> list[str]:
    return [name for name, signal in (found.get("signals") or {}).items() if signal["moved"]]


def _decision(found: Mapping[str, Any]) -> str:
    if found["action"] != "retrain":
        return _ACTIONS.get(found["action"], str(found["action"]))
    starts = (found.get("retraining") or {}).get("action") == "retrain"
    return "retrain, started" if starts else "retrain, not started"
