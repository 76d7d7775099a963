"""The decision table: from the assessment of a window, and of those before it, to one action with its reasons.

The first rule that applies decides. Drift alone never retrains: it says that complaints have changed, and little about
harm. Only labels show harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from complaints.settings import Monitoring

Action = Literal["stop", "person", "retrain", "evaluate", "wait", "keep"]
Assessment = Mapping[str, Any]
Windows = Sequence[Mapping[str, Any]]
Reasons = Callable[[Assessment, Windows, Monitoring], list[str]]


class Decision(TypedDict):
    """What is done about a window: the action, the name of the rule, and a sentence for each reason."""

    action: Action
    rule: str
    reasons: list[str]


@dataclass(frozen=True)
class Rule:
    """One row of the table: it applies where `reasons` returns any."""

    name: str
    action: Action
    reasons: Reasons


def decide(assessment: Assessment, earlier: Windows, limits: Monitoring) -> Decision:
    """The decision about a window; `earlier` has the windows of the same model before it, newest last."""
    for rule in TABLE:
        if reasons := rule.reasons(assessment, earlier, limits):
            return {"action": rule.action, "rule": rule.name, "reasons": reasons}
    return {"action": "keep", "rule": "nothing", "reasons": ["nothing has changed beyond chance"]}


def has_drifted(assessment: Assessment) -> bool:
    """True if any signal of the window is beyond its threshold."""
    return bool(_moved(assessment))


def _violations(assessment: Assessment, _earlier: Windows, _limits: Monitoring) -> list[str]:
    return [violation["message"] for violation in assessment["violations"]]


def _unknown_products(assessment: Assessment, _earlier: Windows, limits: Monitoring) -> list[str]:
    unknown = assessment["unknown_products"]
    if unknown["share"] <= limits.max_unknown_products or not assessment["sufficient"]:
        return []
    named = ", ".join(f"{name!r} ({count:,})" for name, count in list(unknown["names"].items())[:3])
    return [
        f"{unknown['share']:.1%} of complaints have a product that no rule of model_config.yaml knows, tolerated: "
        f"{limits.max_unknown_products:.0%}: {named}; add a rule to `labels`"
    ]


def _degradation(assessment: Assessment, _earlier: Windows, limits: Monitoring) -> list[str]:
    reasons = _dropped(assessment["recent_accuracy"], "labelled complaints", limits)
    # Of other versions than the one that classified, no drop is known.
    for published in assessment.get("published_accuracy", {}).values():
        reasons += _dropped(published, "answers that were published before their labels came", limits)
    return reasons


def _dropped(labelled: Mapping[str, Any], what: str, limits: Monitoring) -> list[str]:
    drop = labelled.get("drop")
    if labelled["n"] < limits.min_labelled or not drop:
        return []
    if drop["low"] <= 0 or drop["estimate"] < limits.max_drop:
        return []
    return [
        f"of {labelled['n']:,} {what} {labelled['accuracy']['estimate']:.1%} are right, where "
        f"{drop['expected']:.1%} were expected of these classes: a drop of {drop['estimate']:.1%} "
        f"({drop['low']:.1%} to {drop['high']:.1%}), tolerated: {limits.max_drop:.0%}"
    ]


def _estimate_below(assessment: Assessment, _earlier: Windows, limits: Monitoring) -> list[str]:
    estimate = assessment["estimated_accuracy"]
    if not estimate:
        return []
    bound = assessment["baseline_accuracy"]["estimate"] - limits.max_drop
    if estimate["high"] >= bound:
        return []
    return [
        f"the estimated accuracy is {estimate['estimate']:.1%}, at most {estimate['high']:.1%}; "
        f"the bound is {bound:.1%}"
    ]


def _drift(assessment: Assessment, earlier: Windows, limits: Monitoring) -> list[str]:
    moved = _moved(assessment)
    newest_first = [window for window in reversed(earlier) if window["counts"]]
    before = newest_first[: limits.of_windows - 1]
    drifted = sum(window["drifted"] for window in before) + bool(moved)
    if not moved or drifted < limits.drifted_windows:
        return []
    return [
        f"{drifted} of the last {len(before) + 1} windows have changed beyond chance; now: {', '.join(moved)}",
    ]


def _insufficient(assessment: Assessment, _earlier: Windows, limits: Monitoring) -> list[str]:
    if assessment["sufficient"]:
        return []
    return [f"insufficient data: {assessment['n']:,} complaints, {limits.min_complaints:,} are needed to compare"]


def _moved(assessment: Assessment) -> list[str]:
    return [name for name, signal in (assessment["signals"] or {}).items() if signal["moved"]]


TABLE: tuple[Rule, ...] = (
    Rule("data_quality", "stop", _violations),
    Rule("unknown_product", "person", _unknown_products),
    Rule("labelled_degradation", "retrain", _degradation),
    Rule("estimate_below_bound", "evaluate", _estimate_below),
    Rule("drift", "evaluate", _drift),
    Rule("insufficient_data", "wait", _insufficient),
)
