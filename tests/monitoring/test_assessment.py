"""The assessment of a window, and the baseline that it is compared with."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from assessment import assessment
from baseline import BaselineRefusedError, baseline_document, load
from text_columns import text_columns

from complaints.monitoring.decision import decide
from complaints.settings import load_settings
from tests.campaign.faults import Fault, injects
from tests.monitoring.windows import CLASSES, VOCABULARY, baseline, complaints, document, window


def assessed(size: int = 400, seed: int = 11, **altered: Any) -> dict[str, Any]:
    scored, labels = complaints(size, seed)
    narratives = [altered.get("text", str)(each) for each in scored.narratives]
    found = window(scored._replace(narratives=narratives), [*labels], altered.get("products"))
    return assessment(found, baseline(), least=200)


def checks(found: dict[str, Any]) -> list[str]:
    return [each["check"] for each in found["violations"]]


def test_sound_complaints_break_no_rule_and_the_estimate_is_near_the_accuracy() -> None:
    found = assessed()
    assert (found["n"], found["sufficient"], found["violations"]) == (400, True, [])
    accuracy = found["delayed_accuracy"]["accuracy"]["estimate"]
    assert abs(found["estimated_accuracy"]["estimate"] - accuracy) < 0.05
    assert not any(signal["moved"] for signal in found["signals"].values())


@injects(Fault.FEW_COMPLAINTS)
def test_a_window_below_the_least_is_not_compared_and_says_so() -> None:
    found = assessed(size=199)
    assert not found["sufficient"]
    assert (found["signals"], found["estimated_accuracy"]) == (None, None)


@injects(Fault.LABELS_SWAPPED)
def test_of_swapped_labels_only_the_labelled_accuracy_speaks() -> None:
    scored, labels = complaints(400, 11)
    other = {"card": "mortgage", "mortgage": "card", "student_loan": "student_loan"}
    found = assessment(window(scored, [other[label] for label in labels]), baseline(), least=200)
    assert found["violations"] == []
    assert not any(signal["moved"] for signal in found["signals"].values())
    decision = decide(found, [], load_settings().model.monitoring)
    assert (decision["action"], decision["rule"]) == ("retrain", "labelled_degradation")
    without = {**found, "recent_accuracy": {"n": 0}}
    assert decide(without, [], load_settings().model.monitoring)["action"] == "keep"


def test_no_complaint_at_all_is_no_fault() -> None:
    found = assessed(size=0)
    assert (found["n"], found["violations"], found["delayed_accuracy"]) == (0, [], {"n": 0})


@pytest.mark.parametrize(
    ("alter", "check"),
    [
        (lambda text: text.replace("e", "Ã©"), "mojibake"),
        (lambda text: text[:80], "cut"),
        (lambda _: "the same words of the same complaint about the same card again and again", "repeated"),
        (lambda text: text[:14], "shortened"),
        (lambda text: " ".join(f"zz{word}q" for word in text.split()), "foreign"),
    ],
)
def test_a_fault_on_the_way_here_is_a_violation(alter: Any, check: str) -> None:
    assert check in checks(assessed(text=alter))


def test_one_class_for_nearly_all_complaints_is_a_violation() -> None:
    scored, labels = complaints(400, 12)
    same = window(scored._replace(predicted=["card"] * 400), [*labels])
    assert checks(assessment(same, baseline(), least=200)) == ["one_class"]


def test_words_that_the_model_does_not_know_move_their_signal() -> None:
    found = assessed(text=lambda text: text.replace("bank", "banco").replace("account", "cuenta"))
    assert found["signals"]["unknown_words"]["moved"]


def test_products_that_no_rule_knows_are_named_and_counted() -> None:
    scored, _ = complaints(400, 13)
    labels: list[str | None] = ["unmapped"] * 8 + [None] * 392
    products: list[str | None] = ["Buy now, pay later"] * 8 + [None] * 392
    found = assessment(window(scored, labels, products), baseline(), least=200)
    assert found["unknown_products"] == {"share": 0.02, "names": {"Buy now, pay later": 8}}


def test_the_same_complaints_give_the_same_baseline_and_it_survives_json() -> None:
    scored, labels = complaints(1_000, 1)
    again = baseline_document(scored, labels, VOCABULARY, CLASSES, model_sha256="a-model", level=0.01)
    assert again == document()
    read = load(json.loads(json.dumps(document())), "a-model")
    assert np.array_equal(read.sample.terms, baseline().sample.terms)
    assert not [text for text in scored.narratives if text in json.dumps(document())]


def test_a_number_that_many_complaints_share_is_the_same_one_in_the_baseline_and_in_a_window() -> None:
    scored, labels = complaints(1_000, 1)
    shared = scored._replace(confidence=np.minimum(scored.confidence, 0.8123456789))
    made = baseline_document(shared, labels, VOCABULARY, CLASSES, model_sha256="a-model", level=0.01)
    now, _ = complaints(400, 14)
    now = now._replace(confidence=np.minimum(now.confidence, 0.8123456789))
    found = assessment(window(now, [None] * 400), load(json.loads(json.dumps(made)), "a-model"), least=200)
    assert not found["signals"]["confidence"]["moved"]


@injects(Fault.NO_BASELINE)
def test_a_baseline_of_another_model_or_format_is_refused() -> None:
    with pytest.raises(BaselineRefusedError, match="SHA-256 a-model, but the predictions are of another"):
        load(document(), "another")
    with pytest.raises(BaselineRefusedError, match="format 0; this code reads 1"):
        load({**document(), "format": 0}, "a-model")


def test_too_few_held_out_complaints_make_no_baseline() -> None:
    scored, labels = complaints(99, 1)
    with pytest.raises(ValueError, match="99 held-out complaints are too few"):
        baseline_document(scored, labels, VOCABULARY, CLASSES, model_sha256="a-model", level=0.01)


def test_columns_of_text_count_words_redactions_and_what_the_model_does_not_know() -> None:
    found = text_columns(["My card, my XXXX card XX/XX/2024 zebra!", ""], {"my", "card", "my card"})
    assert found.words.tolist() == [5, 0]
    assert found.unknown.tolist() == [0.2, 0]
    assert found.redacted.tolist() == [0.4, 0]
    assert found.terms[0] == {"my", "card", "zebra"}
