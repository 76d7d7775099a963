"""The accuracy that is estimated without labels: near the true one where complaints change and labels do not."""

from __future__ import annotations

import numpy as np
import pytest
from estimated_accuracy import estimated_accuracy, likeness


def drawn(size: int, seed: int, sure: tuple[float, float] = (6, 1.5), bias: float = 0.0) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    confidence = random.beta(*sure, size)
    correct = (random.random(size) < np.clip(confidence - bias, 0, 1)).astype(float)
    return confidence, random.integers(0, 3, size), correct


@pytest.mark.parametrize("sure", [(6, 1.5), (3, 2), (9, 1)])
def test_the_estimate_follows_windows_of_other_difficulty(sure: tuple[float, float]) -> None:
    held = drawn(1_500, 1)
    errors = []
    for seed in range(20):
        confidence, classes, correct = drawn(400, 50 + seed, sure)
        errors.append(abs(estimated_accuracy(confidence, classes, *held).accuracy - correct.mean()))
    assert np.mean(errors) <= 0.02


def test_the_interval_holds_the_true_accuracy() -> None:
    held = drawn(1_500, 2)
    inside = 0
    for seed in range(100):
        confidence, classes, correct = drawn(400, 200 + seed)
        found = estimated_accuracy(confidence, classes, *held)
        inside += found.low <= correct.mean() <= found.high
    assert inside >= 88


def test_a_model_that_is_too_sure_is_calibrated_on_the_held_out_complaints() -> None:
    held = drawn(2_000, 3, bias=0.15)
    confidence, classes, correct = drawn(2_000, 4, bias=0.15)
    found = estimated_accuracy(confidence, classes, *held)
    assert abs(found.accuracy - correct.mean()) < 0.03 < abs(confidence.mean() - correct.mean())


def test_complaints_like_those_of_the_window_weigh_more() -> None:
    held = np.array([[0.0], [0.0], [1.0], [1.0]] * 50)
    weights = likeness(np.ones((200, 1)), held)
    assert weights[2] > 2 * weights[0]
    assert weights.mean() == pytest.approx(1)


def test_labels_that_are_swapped_cannot_be_seen_without_labels() -> None:
    held = drawn(1_500, 5)
    confidence, classes, correct = drawn(400, 6)
    assert estimated_accuracy(confidence, classes, *held).accuracy - (1 - correct.mean()) > 0.3
