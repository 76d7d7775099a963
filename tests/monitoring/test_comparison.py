"""The paired comparison of two models, and what its intervals promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from comparison import compared
from sklearn.metrics import f1_score

CLASSES = np.array(["card", "mortgage", "student_loan"])


def answers(seed: int, n: int, skill: float) -> tuple[list[str], list[str]]:
    """Labels, and the answers of a model that is right with this probability."""
    chance = np.random.default_rng(seed)
    labels = chance.choice(CLASSES, n, p=[0.6, 0.3, 0.1])
    return list(labels), list(np.where(chance.random(n) < skill, labels, chance.choice(CLASSES, n)))


def both(seed: int, n: int, ours: float, theirs: float) -> dict[str, Any]:
    labels, first = answers(seed, n, ours)
    chance = np.random.default_rng(seed + 10_000)
    other = np.where(chance.random(n) < theirs, labels, chance.choice(CLASSES, n))
    return compared(labels, first, list(other), range(n))


def test_the_differences_are_those_of_scikit_learn() -> None:
    labels, ours = answers(1, 300, 0.8)
    theirs = answers(2, 300, 0.5)[1]
    found = compared(labels, ours, theirs, range(300))
    f1 = [f1_score(labels, each, average="macro") for each in (ours, theirs)]
    assert found["macro_f1_difference"]["estimate"] == pytest.approx(f1[0] - f1[1])
    right = [np.mean(np.array(each) == np.array(labels)) for each in (ours, theirs)]
    assert found["accuracy_difference"]["estimate"] == pytest.approx(right[0] - right[1])


def test_where_the_two_differ_one_is_right_or_neither() -> None:
    found = compared(["a", "a", "b", "c", "c"], ["a", "b", "b", "a", "c"], ["a", "a", "c", "b", "c"], range(5))
    counts = {name: found[name] for name in ("n", "differ", "challenger_right", "in_service_right", "both_wrong")}
    assert counts == {"n": 5, "differ": 3, "challenger_right": 1, "in_service_right": 1, "both_wrong": 1}
    assert found["agreement"] == pytest.approx(0.4)
    assert {name: each["support"] for name, each in found["per_class"].items()} == {"a": 2, "b": 1, "c": 2}


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    """The true difference of two models of equal skill is 0: 95 of 100 intervals hold it, give or take five."""
    held = [
        each["low"] <= 0 <= each["high"]
        for each in (both(seed, 300, 0.7, 0.7)["macro_f1_difference"] for seed in range(100))
    ]
    assert 88 <= sum(held) <= 100


def test_the_same_complaints_give_the_same_intervals() -> None:
    assert both(1, 300, 0.8, 0.7) == both(1, 300, 0.8, 0.7)


def test_more_complaints_tell_more_and_copies_of_one_do_not() -> None:
    def width(found: dict[str, Any]) -> float:
        return float(found["accuracy_difference"]["high"] - found["accuracy_difference"]["low"])

    def of(groups: Sequence[object]) -> dict[str, Any]:
        labels, ours = answers(1, 400, 0.8)
        return compared(labels, ours, answers(2, 400, 0.5)[1], groups)

    assert width(both(1, 4_000, 0.8, 0.7)) < width(both(1, 400, 0.8, 0.7))
    assert width(of(["one"] * 350 + list(map(str, range(50))))) > 2 * width(of(range(400)))
