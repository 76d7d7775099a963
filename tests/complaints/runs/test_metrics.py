"""Metrics computed from counts equal the metrics computed from the predictions themselves."""

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from slices import slice_metrics

from complaints.runs.metrics import confidence_histogram, predicted_products, slice_of

CLASSES = ["card", "debt_collection", "mortgage", "student_loan"]
Answer = tuple[str | None, str, float]  # label, predicted product, confidence


def answers(seed: int, count: int = 300) -> list[Answer]:
    """Predictions whose accuracy roughly matches their confidence."""
    chance = random.Random(seed)
    found: list[Answer] = []
    for _ in range(count):
        confidence = chance.choice([chance.random(), 0.1, 0.5, 1.0])
        label = chance.choice(CLASSES)
        found.append((label, label if chance.random() < confidence else chance.choice(CLASSES), confidence))
    return found


def counts(given: Iterable[Answer]) -> list[dict[str, Any]]:
    """The counts that the publishing job writes."""
    cells: dict[tuple[str | None, str, int], list[float]] = defaultdict(list)
    for label, answer, confidence in given:
        cells[label, answer, min(int(confidence * 10), 9)].append(confidence)
    return [
        {"label": label, "predicted_product": answer, "confidence_tenth": tenth}
        | {"rows": len(each), "confidence_sum": sum(each)}
        for (label, answer, tenth), each in cells.items()
    ]


def measured(given: Iterable[Answer]) -> dict[str, Any]:
    """What the evaluation measures."""
    labels, products, confidences = zip(*given, strict=True)
    return slice_metrics(labels, products, np.array(confidences), CLASSES)


@pytest.mark.parametrize("seed", range(5))
def test_counts_give_the_same_metrics_as_the_predictions(seed: int) -> None:
    given = answers(seed)
    expected = measured(given)
    found = slice_of(counts(given))
    assert found is not None
    assert found["confusion"] == expected["confusion"]
    assert found["n"] == expected["n"]
    for name in ("accuracy", "macro_f1", "majority_accuracy", "expected_calibration_error"):
        assert found[name] == pytest.approx(expected[name]), name
    for name in CLASSES:
        scores = {key: value for key, value in expected["per_class"][name].items() if key != "intervals"}
        assert found["per_class"][name] == pytest.approx(scores), name


def test_a_class_without_true_complaints_is_not_part_of_macro_f1() -> None:
    given: list[Answer] = [("card", "card", 0.9), ("card", "mortgage", 0.6)]
    found = slice_of(counts(given))
    assert found is not None
    assert found["macro_f1"] == measured(given)["macro_f1"]


def test_rows_without_a_known_label_are_left_out() -> None:
    known: list[Answer] = [("card", "card", 0.9), ("mortgage", "card", 0.4)]
    unknown: list[Answer] = [(None, "card", 0.9), ("unmapped", "mortgage", 0.9)]
    assert slice_of(counts(known + unknown)) == slice_of(counts(known))
    assert slice_of(counts(unknown)) is None
    assert slice_of([]) is None


def test_complaints_that_the_model_was_trained_on_are_counted_and_left_out() -> None:
    fresh = [each | {"seen": False} for each in counts([("card", "card", 0.9), ("mortgage", "card", 0.4)])]
    taught = [each | {"seen": True} for each in counts([("card", "card", 1.0)] * 5 + [(None, "card", 1.0)])]
    alone, both = slice_of(fresh), slice_of(fresh + taught)
    assert alone is not None
    assert both == alone | {"seen_in_training": 5}
    assert (alone["seen_in_training"], alone["n"], alone["accuracy"]) == (0, 2, 0.5)
    assert slice_of(taught) == {"n": 0, "seen_in_training": 5}


def test_where_nobody_knows_what_the_model_was_trained_on_no_number_is_made_up() -> None:
    found = slice_of([each | {"seen": None} for each in counts([("card", "card", 0.9)])])
    assert found is not None
    assert (found["n"], found["seen_in_training"]) == (1, None)


def test_the_histogram_counts_every_row_in_its_tenth() -> None:
    given: list[Answer] = [("card", "card", each) for each in (0.0, 0.09, 0.1, 0.95, 1.0)]
    assert confidence_histogram(counts(given))["counts"] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]


def test_products_are_counted_most_frequent_first() -> None:
    given: list[Answer] = [("card", "card", 0.2), (None, "mortgage", 0.5), ("card", "mortgage", 0.9)]
    assert [*predicted_products(counts(given)).items()] == [("mortgage", 2), ("card", 1)]
