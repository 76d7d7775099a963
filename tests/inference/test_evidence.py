"""The evidence of an answer is the three largest parts of each class's score, and nothing else of the narrative."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference import input_fn, model_fn, predict_fn
from ngram_scorer import NgramScorer
from trained_model import TrainedModel

from tests.inference.small_model import TAUGHT, fitted, save

MODEL = TrainedModel(*fitted())
EXPLAINING, SILENT = NgramScorer(MODEL, explains=True), NgramScorer(MODEL)
WORDS = st.sampled_from(["card", "fee", "escrow", "mortgage", "house", "college", "student", "loan", "my", "zzz", "xx"])
TEXTS = st.lists(WORDS, max_size=20).map(" ".join)


def answers(texts: list[str], model: NgramScorer = EXPLAINING) -> list[dict[str, Any]]:
    return predict_fn([{"complaint_id": str(place), "narrative": text} for place, text in enumerate(texts)], model)


def parts_of(text: str, product: str) -> dict[str, float]:
    """Each n-gram's part of the score of a class, beyond its part of the average class, by the stock pipeline."""
    tfidf, classifier = MODEL.pipeline["tfidf"], MODEL.pipeline["classifier"]
    values, terms = tfidf.transform([text]).toarray()[0], tfidf.get_feature_names_out()
    weights = classifier.coef_[list(classifier.classes_).index(product)] - classifier.coef_.mean(axis=0)
    return {terms[place]: float(values[place] * weights[place]) for place in np.flatnonzero(values)}


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_it_is_the_three_largest_positive_parts_of_the_pipelines_scores(texts: list[str]) -> None:
    for text, answer in zip(texts, answers(texts), strict=True):
        for product in (answer["predicted_product"], answer["runner_up"]):
            found = [each for each in answer["evidence"] if each["product"] == product]
            parts = parts_of(text, product)
            expected = sorted((part for part in parts.values() if part > 1e-9), reverse=True)[:3]
            assert [each["weight"] for each in found] == pytest.approx(expected, abs=1e-4)
            assert [parts[each["ngram"]] for each in found] == pytest.approx(expected, abs=1e-4)


@given(st.lists(TEXTS, max_size=5))
def test_answers_are_the_same_without_it(texts: list[str]) -> None:
    silent = answers(texts, SILENT)
    assert [{name: each[name] for name in each if name != "evidence"} for each in answers(texts)] == silent


def test_the_prediction_is_explained_first_and_then_the_runner_up() -> None:
    (answer,) = answers(["A fee on my card, and the escrow of my mortgage."])
    products = [each["product"] for each in answer["evidence"]]
    assert products == [answer["predicted_product"]] * 3 + [answer["runner_up"]] * 3
    assert len({(each["product"], each["ngram"]) for each in answer["evidence"]}) == 6


@pytest.mark.parametrize("text", ["", "XXXX", "Nothing that anybody knows"])
def test_a_narrative_without_a_known_word_has_none(text: str) -> None:
    assert [each["evidence"] for each in answers([text, "card fee", text])][::2] == [[], []]


@pytest.mark.parametrize(("value", "explained"), [("true", True), ("false", False), (None, False)])
def test_the_container_explains_only_where_its_environment_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, explained: bool
) -> None:
    monkeypatch.delenv("EVIDENCE", raising=False)
    if value:
        monkeypatch.setenv("EVIDENCE", value)
    model = model_fn(str(save(tmp_path / "model")))
    line = json.dumps({"complaint_id": "1", "narrative": TAUGHT["card"][0]})
    (answer,) = predict_fn(input_fn(line, "application/jsonlines"), model)
    assert ("evidence" in answer) is explained
