"""The accuracy of published predictions, once there are labels."""

from __future__ import annotations

from collections import Counter

import pytest
from delayed_accuracy import counted, delayed_accuracy, wilson
from sklearn.metrics import f1_score

from tests.campaign.faults import Fault, injects

HELD_OUT = {"card": {"recall": 0.9, "support": 400}, "mortgage": {"recall": 0.6, "support": 300}}


def test_accuracy_macro_f1_and_recall_have_intervals_around_them() -> None:
    labels = ["card"] * 60 + ["mortgage"] * 40
    answers = ["card"] * 54 + ["mortgage"] * 6 + ["mortgage"] * 24 + ["card"] * 16
    found = delayed_accuracy(counted(labels, answers), HELD_OUT)
    assert (found["n"], found["accuracy"]["estimate"]) == (100, pytest.approx(0.78))
    assert found["macro_f1"]["estimate"] == pytest.approx(f1_score(labels, answers, average="macro"))
    assert found["recall"]["mortgage"] == pytest.approx(
        {"estimate": 0.6, "low": 0.446, "high": 0.737, "support": 40}, abs=1e-3
    )
    for each in (found["accuracy"], found["macro_f1"], *found["recall"].values()):
        assert each["low"] < each["estimate"] < each["high"]


@injects(Fault.BENIGN_SHIFT)
def test_more_complaints_of_a_difficult_class_are_no_drop() -> None:
    mix = Counter(
        {("card", "card"): 90, ("card", "mortgage"): 10, ("mortgage", "mortgage"): 240, ("mortgage", "card"): 160}
    )
    found = delayed_accuracy(mix, HELD_OUT)
    assert found["accuracy"]["estimate"] == pytest.approx(0.66)
    assert found["drop"]["expected"] == pytest.approx(0.66)
    assert found["drop"]["low"] < 0 < found["drop"]["high"]


@injects(Fault.LABELS_SWAPPED)
def test_swapped_labels_are_a_drop_beyond_its_interval() -> None:
    swapped = Counter(
        {("card", "mortgage"): 180, ("card", "card"): 20, ("mortgage", "card"): 60, ("mortgage", "mortgage"): 40}
    )
    assert delayed_accuracy(swapped, HELD_OUT)["drop"]["low"] > 0.4


def test_a_class_without_held_out_complaints_has_no_expectation_and_does_not_count() -> None:
    found = delayed_accuracy(Counter({("other", "card"): 50, ("card", "card"): 9, ("card", "mortgage"): 1}), HELD_OUT)
    assert found["drop"]["expected"] == pytest.approx(0.9)
    assert delayed_accuracy(Counter({("other", "card"): 50}), HELD_OUT)["drop"] is None


def test_without_labels_there_is_nothing_to_say() -> None:
    assert delayed_accuracy(Counter(), HELD_OUT) == {"n": 0}


def test_the_interval_of_a_share_is_sound_at_its_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[0] < 0.8
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert wilson(0, 10)[0] == pytest.approx(0.0)
