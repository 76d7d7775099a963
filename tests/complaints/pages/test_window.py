"""The file about a monitored classification: the decision and its reasons first, and nothing to run or fetch."""

from __future__ import annotations

import re
from typing import Any

import pytest

from complaints.monitoring.decision import decide
from complaints.monitoring.windows import window as decided
from complaints.pages import window
from complaints.settings import load_settings
from tests.complaints.monitoring.test_decision import BELOW, DEGRADED, INSUFFICIENT, UNKNOWN, assessment
from tests.html_pages import assert_self_contained

LIMITS = load_settings().model.monitoring
SIGNALS = {
    "class_mix": {"value": 0.04, "threshold": 0.01, "moved": True},
    "length": {"value": 0.03, "threshold": 0.06, "moved": False},
}
VIOLATION = {"check": "mojibake", "message": "92% of <400> narratives", "value": 0.92, "limit": 0.05}
LABELLED = {"n": 120, "accuracy": {"estimate": 0.81, "low": 0.73, "high": 0.87}}


def rendered(retraining: Any = None, **found: Any) -> str:
    whole = assessment(
        **{
            "run_id": "0" * 16,
            "model_version": "v3",
            "cells": [],
            "predicted_products": {"card": 300, "<script>alert(1)</script>": 100},
            "signals": SIGNALS,
            "delayed_accuracy": LABELLED,
            "published_accuracy": {"v2": LABELLED | {"n": 77}},
            **found,
        }
    )
    decision = decide(whole, [], LIMITS)
    return window.render(whole, decided(whole, decision, retraining, [], "2026-11-28T12:00:00+00:00"))


@pytest.mark.parametrize(
    "found",
    [{}, BELOW, UNKNOWN, INSUFFICIENT, DEGRADED, {"violations": [VIOLATION]}, {"n": 0, "predicted_products": {}}],
    ids=["nothing", "below", "unknown", "insufficient", "degraded", "violation", "no complaint"],
)
def test_the_page_is_whole_and_runs_and_fetches_nothing(found: dict[str, Any]) -> None:
    assert_self_contained(rendered(**found))


def test_the_decision_and_its_reason_are_said_first() -> None:
    text = rendered(**BELOW)
    assert "<h1>Evaluate the model</h1>" in text
    assert text.index("the bound is 78.0%") < text.index("<h2>")


def test_a_retraining_that_is_not_started_says_why() -> None:
    text = rendered({"action": "tell", "reason": "200 new labels are too few: 300 are needed"}, **DEGRADED)
    assert "A retraining is not started: 200 new labels are too few: 300 are needed." in text


def test_each_signal_has_its_value_beside_its_band() -> None:
    text = rendered()
    for told in ("0.0400", "0.0100", "0.0300", "0.0600"):
        assert f"<td>{told}</td>" in text, told
    drawn = [re.findall(r'<rect[^>]*width="([\d.]+)%"', row) for row in text.split("<tr>")[1:] if "fill-band" in row]
    lengths = [(float(band), float(value)) for band, value, _ in drawn]
    assert [value > band for band, value in lengths] == [True, False], "the first is beyond chance, the second is not"


def test_the_estimate_and_the_labelled_accuracy_have_their_intervals() -> None:
    text = rendered()
    for told in ("estimated without labels", "0.820", "0.790 - 0.860", "of 120 labelled complaints", "0.730 - 0.870"):
        assert told in text, told
    assert "of 77, published by v2" in text
    assert "No label came for an answer that was published without one" in rendered(published_accuracy={})
    assert "estimated without labels" not in rendered(**INSUFFICIENT)


def test_products_that_no_rule_knows_and_faulty_data_are_named() -> None:
    assert "Buy now, pay later" in rendered(**UNKNOWN)
    text = rendered(violations=[VIOLATION])
    assert "92% of &lt;400&gt; narratives" in text
    assert "<h1>Stop, the data are faulty</h1>" in text


def test_fewer_complaints_than_can_be_compared_have_no_signals() -> None:
    assert "Not compared: there are too few complaints." in rendered(**INSUFFICIENT)
