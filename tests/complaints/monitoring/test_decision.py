"""The decision table: each rule by what makes it apply, and which rule goes first."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.monitoring.decision import TABLE, decide
from complaints.settings import load_settings
from tests.campaign.faults import Fault, injects

LIMITS = load_settings().model.monitoring
STILL = {"value": 0.01, "threshold": 0.02, "moved": False}


def assessment(**found: Any) -> dict[str, Any]:
    sound: dict[str, Any] = {
        "n": 400,
        "mean_confidence": 0.8,
        "sufficient": True,
        "violations": [],
        "unknown_products": {"share": 0.0, "names": {}},
        "baseline_accuracy": {"estimate": 0.83, "low": 0.8, "high": 0.86},
        "signals": {"class_mix": STILL, "length": STILL},
        "estimated_accuracy": {"estimate": 0.82, "low": 0.79, "high": 0.86},
        "recent_accuracy": {"n": 0},
    }
    return {**sound, **found}


def labelled(n: int, estimate: float, low: float) -> dict[str, Any]:
    return {
        "n": n,
        "accuracy": {"estimate": 0.83 - estimate, "low": 0.8 - estimate, "high": 0.86 - estimate},
        "drop": {"expected": 0.83, "estimate": estimate, "low": low, "high": 2 * estimate - low},
    }


VIOLATION = {
    "violations": [
        {
            "check": "mojibake",
            "message": "92% of 400 narratives were decoded in the wrong encoding",
            "value": 0.92,
            "limit": 0.05,
        }
    ]
}
UNKNOWN = {"unknown_products": {"share": 0.02, "names": {"Buy now, pay later": 8}}}
LATE = {"published_accuracy": {"v1": labelled(400, 0.2, 0.12), "v0": labelled(400, 0.3, 0.2) | {"drop": None}}}
DEGRADED = {"recent_accuracy": labelled(400, 0.2, 0.12)}
BELOW = {"estimated_accuracy": {"estimate": 0.7, "low": 0.65, "high": 0.75}}
MOVED = {"signals": {"class_mix": {"value": 0.04, "threshold": 0.02, "moved": True}, "length": STILL}}
INSUFFICIENT = {"n": 150, "sufficient": False, "signals": None, "estimated_accuracy": None}
DRIFTED = [{"counts": True, "drifted": True}] * 2


@pytest.mark.parametrize(
    ("found", "action", "reason"),
    [
        (VIOLATION, "stop", "wrong encoding"),
        (UNKNOWN, "person", "'Buy now, pay later' (8)"),
        (DEGRADED, "retrain", "a drop of 20.0% (12.0% to 28.0%)"),
        (LATE, "retrain", "of 400 answers that were published before their labels came 63.0% are right"),
        (BELOW, "evaluate", "at most 75.0%; the bound is 78.0%"),
        (MOVED, "evaluate", "3 of the last 3 windows have changed beyond chance; now: class_mix"),
        (INSUFFICIENT, "wait", "insufficient data: 150 complaints, 200 are needed"),
        ({}, "keep", "nothing has changed"),
    ],
)
def test_each_finding_has_its_action_and_a_sentence(found: dict[str, Any], action: str, reason: str) -> None:
    decision = decide(assessment(**found), DRIFTED, LIMITS)
    assert decision["action"] == action
    assert reason in " ".join(decision["reasons"])


def test_the_first_rule_that_applies_decides() -> None:
    everything = assessment(**BELOW, **MOVED, **DEGRADED, **UNKNOWN, **VIOLATION)
    assert decide(everything, DRIFTED, LIMITS)["action"] == "stop"
    assert decide(assessment(**MOVED, **BELOW, **DEGRADED), DRIFTED, LIMITS)["action"] == "retrain"
    assert [rule.action for rule in TABLE] == ["stop", "person", "retrain", "evaluate", "evaluate", "wait"]


def test_drift_counts_over_the_last_windows_and_never_retrains() -> None:
    one, quiet = {"counts": True, "drifted": True}, {"counts": True, "drifted": False}
    found = assessment(**MOVED)
    assert decide(found, [one], LIMITS)["action"] == "keep"
    assert decide(found, [one, quiet, quiet, one], LIMITS)["action"] == "evaluate"
    assert decide(found, [one, one, quiet, quiet, quiet, quiet], LIMITS)["action"] == "keep"
    assert decide(found, [one] * 9, LIMITS)["action"] == "evaluate"
    assert decide(assessment(), [one] * 9, LIMITS)["action"] == "keep"


def test_a_window_that_a_hard_check_stopped_does_not_count() -> None:
    stopped = {"counts": False, "drifted": True}
    assert decide(assessment(**MOVED), [stopped] * 4, LIMITS)["action"] == "keep"


@pytest.mark.parametrize(("n", "estimate", "low"), [(299, 0.2, 0.12), (400, 0.049, 0.01), (400, 0.2, -0.01)])
def test_a_drop_that_is_small_uncertain_or_of_few_labels_does_not_retrain(n: int, estimate: float, low: float) -> None:
    assert decide(assessment(recent_accuracy=labelled(n, estimate, low)), [], LIMITS)["action"] == "keep"


@injects(Fault.BENIGN_SHIFT)
def test_a_class_share_that_moves_without_harm_keeps_the_model() -> None:
    benign = assessment(**MOVED, recent_accuracy=labelled(2_000, 0.003, -0.02))
    assert decide(benign, DRIFTED, LIMITS)["action"] == "evaluate"


def test_where_one_window_is_looked_at_no_earlier_one_counts() -> None:
    alone = type(LIMITS)(**{**LIMITS.model_dump(), "drifted_windows": 1, "of_windows": 1})
    assert "1 of the last 1 windows" in decide(assessment(**MOVED), DRIFTED, alone)["reasons"][0]


def test_settings_ask_for_no_more_drifted_windows_than_are_looked_at() -> None:
    with pytest.raises(ValueError, match="drifted_windows is 6; make it at most of_windows, 5"):
        type(LIMITS)(**{**LIMITS.model_dump(), "drifted_windows": 6})
