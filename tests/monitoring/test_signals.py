"""The signals against thresholds of windows without change: how often they alarm, and what they see."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import signals
from baseline import Scored, baseline_document, load, sample_from
from scipy.stats import ks_2samp
from signals import (
    ISSUE_MIX,
    NUMBERS,
    SIGNALS,
    SIZES,
    distance,
    divergence,
    moved,
    population_stability,
    statistics,
    threshold_for,
    thresholds,
)
from text_columns import text_columns
from threadpoolctl import threadpool_info

from tests.monitoring.windows import CLASSES, VOCABULARY, baseline, complaints


def signals_of(size: int, seed: int, mix: tuple[float, ...] = (0.5, 0.3, 0.2)) -> list[str]:
    held = baseline()
    scored, _ = complaints(size, seed, mix)
    sample = sample_from(scored, text_columns(scored.narratives, VOCABULARY), held.terms, CLASSES)
    return moved(statistics(sample, held.sample, 3), threshold_for(held.document["thresholds"], size))


def test_windows_without_change_alarm_as_seldom_as_was_asked() -> None:
    alarms = sum(bool(signals_of(250, 100 + seed)) for seed in range(100))
    assert alarms <= 5, "one window in a hundred was asked for"


def test_another_mix_of_classes_moves_the_class_mix() -> None:
    assert "class_mix" in signals_of(400, 7, (0.2, 0.6, 0.2))


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(size=80), random.normal(0.4, 1, 130)
    assert distance(one, other) == pytest.approx(ks_2samp(one, other).statistic)


def test_equal_counts_do_not_diverge_and_foreign_ones_diverge_by_one_bit() -> None:
    assert divergence(np.array([[1.0, 3.0]]), np.array([[2.0, 6.0]]))[0] == pytest.approx(0)
    assert divergence(np.array([[1.0, 0.0]]), np.array([[0.0, 5.0]]))[0] == pytest.approx(1)


def test_thresholds_take_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def null(*given: Any) -> Any:
        threads.extend(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
        return of_signals(*given)

    of_signals = signals._null
    monkeypatch.setattr(signals, "_null", null)
    thresholds(baseline().sample, len(CLASSES), level=0.01, seed=1)
    assert {*threads} == {1}


def test_thresholds_are_stored_by_size_and_fall_with_it() -> None:
    stored = baseline().document["thresholds"]
    assert [*stored] == [*SIGNALS]
    for name in NUMBERS:
        assert stored[name][str(SIZES[0])] > stored[name][str(SIZES[-1])] > 0
    assert threshold_for(stored, 999) == {name: stored[name]["400"] for name in SIGNALS}
    with pytest.raises(ValueError, match="199 complaints are fewer than 200"):
        threshold_for(stored, 199)


ISSUES = ["Fees", "Payment", "Scam", "other"]


def asked(size: int, seed: int, shares: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1)) -> Scored:
    """Complaints with an answer to the second question each."""
    issues = np.random.default_rng(seed).choice(ISSUES, size, p=shares)
    return complaints(size, seed)[0]._replace(issues=[str(each) for each in issues])


def test_another_mix_of_issues_is_a_signal_of_its_own_where_they_are_asked_for() -> None:
    told = {"model_sha256": "a-model", "level": 0.01, "issue_classes": ISSUES}
    document = baseline_document(asked(1_000, 1), complaints(1_000, 1)[1], VOCABULARY, CLASSES, **told)
    held = load(json.loads(json.dumps(document, sort_keys=True)), "a-model")
    assert [*threshold_for(held.document["thresholds"], 400)] == [*SIGNALS, ISSUE_MIX]

    def of(scored: Scored) -> list[str]:
        columns = text_columns(scored.narratives, VOCABULARY)
        sample = sample_from(scored, columns, held.terms, CLASSES, held.document["issue_classes"])
        return moved(statistics(sample, held.sample, 3), threshold_for(held.document["thresholds"], 400))

    assert of(asked(400, 11)) == []
    assert of(asked(400, 11, (0.2, 0.3, 0.4, 0.1))) == [ISSUE_MIX]
    # A refit may know another issue by name.
    renamed = asked(400, 11)
    assert of(renamed._replace(issues=["New" if each == "other" else each for each in renamed.issues or ()])) == []
    few = asked(400, 11, (0.2, 0.3, 0.4, 0.1))
    assert of(few._replace(issues=(few.issues or [])[:199])) == []
    assert of(few._replace(issues=None)) == []


def test_without_the_second_question_a_baseline_has_nothing_of_it() -> None:
    document = baseline().document
    assert "issue_classes" not in document
    assert "issues" not in document["sample"]
    assert ISSUE_MIX not in document["thresholds"]


def test_a_fixed_limit_of_the_stability_index_fires_without_change_where_bins_are_many() -> None:
    random = np.random.default_rng(5)
    shares = random.dirichlet(np.full(500, 0.3))
    reference = random.multinomial(20_000, shares).astype(float)
    fired = [population_stability(random.multinomial(300, shares).astype(float), reference) > 0.2 for _ in range(50)]
    assert np.mean(fired) > 0.9
