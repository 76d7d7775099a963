"""The metrics of a slice, and their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slices

CLASSES = ["card", "mortgage", "student_loan"]


def measured(labels: list[str], products: list[str], groups: list[str] | None = None) -> dict[str, Any]:
    return slices.slice_metrics(labels, products, np.ones(len(labels)), CLASSES, groups or [])


def test_macro_f1_is_over_the_classes_that_occur_and_a_class_that_does_not_has_zeros() -> None:
    metrics = measured(["card", "card"], ["card", "card"])
    assert metrics["macro_f1"] == 1.0
    mortgage = metrics["per_class"]["mortgage"]
    assert [mortgage[name] for name in ("precision", "recall", "f1", "support")] == [0, 0, 0, 0]
    assert mortgage["intervals"]["recall"] == [0, 1], "nothing is known of it"


def test_a_label_that_the_model_never_learned_counts_against_it() -> None:
    metrics = measured(["card", "new"], ["card", "card"])
    assert metrics["accuracy"] == 0.5
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert metrics["confusion"]["labels"] == ["card", "mortgage", "new", "student_loan"]


def test_what_always_answering_the_most_frequent_class_would_reach_is_said() -> None:
    metrics = measured(["mortgage", "card", "mortgage", "student_loan"], ["card"] * 4)
    assert (metrics["accuracy"], metrics["majority_accuracy"]) == (0.25, 0.5)


def test_intervals_hold_the_estimate_and_narrow_with_the_number_of_complaints() -> None:
    labels, products = ["card"] * 50 + ["mortgage"] * 50, ["card"] * 40 + ["mortgage"] * 60
    few, many = measured(labels, products), measured(labels * 20, products * 20)
    for name in ("accuracy", "macro_f1"):
        (low, high), (closer_low, closer_high) = few["intervals"][name], many["intervals"][name]
        assert low < closer_low < few[name] == many[name] < closer_high < high


def test_the_same_narrative_many_times_is_little_evidence() -> None:
    labels, products = ["card"] * 100, ["card"] * 90 + ["mortgage"] * 10
    different = measured(labels, products, [str(number) for number in range(100)])
    template = measured(labels, products, ["one"] * 90 + [str(number) for number in range(10)])
    assert different["effective_n"] == 100
    assert template["effective_n"] == pytest.approx(100**2 / (90**2 + 10), abs=0.1)
    (low, high), (wider_low, wider_high) = (each["intervals"]["accuracy"] for each in (different, template))
    assert wider_low < low < high < wider_high
    assert different["accuracy"] == template["accuracy"]


def test_wilson_gives_the_published_interval() -> None:
    # 15 of 148, as in Newcombe (1998), "Two-sided confidence intervals for the single proportion", method 3.
    assert slices.wilson(15, 148) == pytest.approx([0.0624, 0.1605], abs=5e-5)
    assert slices.wilson(0, 20)[0] == 0
    assert slices.wilson(20, 20)[1] == 1


def test_the_calibration_error_of_a_known_case() -> None:
    # Bins 0.9 to 1: two answers, confidence 1.95, one right: gap 0.95. Bin 0.5 to 0.6: three, 1.6, two right: gap 0.4.
    confidences, correct = np.array([1.0, 0.95, 0.5, 0.55, 0.55]), np.array([False, True, True, True, False])
    assert slices.expected_calibration_error(confidences, correct) == pytest.approx((0.95 + 0.4) / 5)
    bins = slices.calibration(confidences, correct)["calibration"]["bins"]
    assert [(each["from"], each["n"]) for each in bins] == [(0.5, 3), (0.9, 2)]


def test_confidence_that_is_accuracy_has_no_calibration_error() -> None:
    assert slices.expected_calibration_error(np.array([0.5, 0.5]), np.array([True, False])) == 0


def test_what_a_calibrated_model_has_by_chance_is_told_from_a_model_that_is_not_calibrated() -> None:
    chance = np.random.default_rng(1)
    confidences = chance.uniform(0.3, 1, 500)
    calibrated, boastful = chance.random(500) < confidences, chance.random(500) < confidences - 0.25
    for right, is_calibrated in ((calibrated, True), (boastful, False)):
        found = slices.calibration(confidences, right)
        assert (found["expected_calibration_error"] <= found["calibration"]["by_chance"]) == is_calibrated
