"""The page of an evaluation: every part where it is known, and nothing that a browser would run or fetch."""

from __future__ import annotations

from typing import Any

import evaluation_page
import pytest

from tests.complaints.example_evaluations import beside, difference, evaluation, scores
from tests.html_pages import assert_self_contained

GROUPS: dict[str, Any] = {
    "by_month": [{"month": "2026-01", "n": 40, "accuracy": 0.9, "interval": [0.8, 0.95]}],
    "by_company": [{"company": "<script>alert(1)</script>", "n": 40, "accuracy": 0.9, "interval": [0.8, 0.95]}],
}


def page(**changed: Any) -> str:
    bins = {"by_chance": 0.05, "bins": [{"from": 0.9, "n": 50, "confidence": 0.95, "accuracy": 0.9}]}
    overall = {**scores(), **GROUPS, "calibration": bins}
    return evaluation_page.render(evaluation(overall=overall, **changed))


@pytest.mark.parametrize("more", [{}, beside(recalls={"card": difference(0.1)})], ids=["first", "beside v1"])
def test_the_page_is_whole_and_runs_and_fetches_nothing(more: dict[str, Any]) -> None:
    text = page(**more)
    assert_self_contained(text)
    assert "&lt;script&gt;" in text


def test_both_models_are_beside_each_other_and_where_they_differ_is_counted() -> None:
    text = page(**beside(recalls={"card": difference(0.1)}))
    for told in ("Beside v1", "v1, test slice", "recall, card", "90.0%", "<td>8</td>"):
        assert told in text, told
    assert "Beside" not in page()


def test_a_leak_and_a_model_that_could_not_be_scored_are_said_first() -> None:
    text = page(leak={"rows": 3, "complaint_ids": []}, in_service={"version": "v1", "error": "made by another"})
    assert text.index("3 held-out narratives are among") < text.index("<h2>")
    assert text.index("made by another") < text.index("<h2>")
