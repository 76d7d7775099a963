"""The scorer finds, counts and weighs what scikit-learn's own pipeline does, on whatever text."""

from __future__ import annotations

import argparse

import ngram_scorer
import numpy as np
import pytest
import train
from hypothesis import given
from hypothesis import strategies as st
from ngram_scorer import NgramScorer
from ngram_table import NgramTable
from trained_model import TrainedModel
from word_hashes import hashed_words

from tests.inference.small_model import TAUGHT, fitted, scorer

MODEL = fitted()
SCORER = scorer()
# Pieces that words begin, end and break at, beside words that the model knows.
ODD = "asx \n'9\u2028\u0130\u017f\u212a\xe9\ud83d"
PIECES = [*ODD, "xx", "XXXX", "ss", "card", "Fee", "COLLEGE", "mortgages", "loan"]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))


def expected(texts: list[str]) -> np.ndarray:
    sure = MODEL.pipeline.predict_proba(texts)
    return np.asarray((1 - MODEL.doubt) * sure + MODEL.doubt / sure.shape[1])


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_its_probabilities_are_the_pipelines(texts: list[str]) -> None:
    assert np.allclose(SCORER.predict_proba(texts), expected(texts), rtol=0, atol=1e-12)


@given(TEXTS)
def test_it_finds_the_words_that_the_pattern_finds(text: str) -> None:
    words = MODEL.pipeline["tfidf"].build_tokenizer()(text.lower())
    found, _ = hashed_words([text.lower().encode("utf-8", "replace")])
    single = [hashed_words([f"{word}s".encode()])[0] for word in words]
    assert found.tolist() == [each.tolist()[0] for each in single]


def test_a_long_text_counts_each_word_as_often_as_it_occurs() -> None:
    texts = ["card fee " * 1_500, "escrow " * 5_000 + "card", "a" * 24_000, "mortgage" * 3_000]
    assert np.allclose(SCORER.predict_proba(texts), expected(texts), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [1, 40, 10_000])
def test_it_does_not_matter_how_many_texts_are_scored_at_a_time(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for texts in TAUGHT.values() for text in texts] * 3
    monkeypatch.setattr(ngram_scorer, "_CHUNK_BYTES", size)
    assert np.allclose(SCORER.predict_proba(texts), expected(texts), rtol=0, atol=1e-12)
    assert SCORER.predict(texts).tolist() == MODEL.pipeline.predict(texts).tolist()


def test_no_text_has_no_prediction() -> None:
    assert SCORER.predict([]).tolist() == []
    assert SCORER.predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize("text", ["", " \n", "$5.00!", "XXXX", "\u4f60\u597d", "Unknown words entirely."])
def test_a_text_without_a_known_word_is_answered_with_little_confidence(text: str) -> None:
    assert SCORER.predict_proba([text]).max() < 0.5


@pytest.mark.parametrize("ngram_max", [1, 3])
@pytest.mark.parametrize("classes", [2, 3])
def test_other_lengths_of_ngrams_and_two_classes_are_served_too(ngram_max: int, classes: int) -> None:
    taught = [(text, label) for label, texts in [*TAUGHT.items()][:classes] for text in texts]
    options = argparse.Namespace(
        ngram_max=ngram_max, min_df=1, max_df=1.0, max_features=500, C=1.0, balance=0.5, seed=1
    )
    model = train.fit([text for text, _ in taught], [label for _, label in taught], options)
    texts = ["A fee on my card and the escrow of my mortgage on the house", ""]
    found = NgramScorer(TrainedModel(*model)).predict_proba(texts)
    sure = model.pipeline.predict_proba(texts)
    assert np.allclose(found, (1 - model.doubt) * sure + model.doubt / classes, rtol=0, atol=1e-12)


def test_a_table_knows_its_ngrams_and_no_others() -> None:
    terms = [f"{a}{b}{c}" for a in "abcdefgh" for b in "abcdefghijklmnopq" for c in "bcdfgh"]
    table = NgramTable({term: column for column, term in enumerate(terms)})
    asked, _ = hashed_words([" ".join([*terms, "never", "seen"]).encode()])
    places, columns = table.columns(asked)
    assert len(table) == len(terms)
    assert dict(zip(places.tolist(), columns.tolist(), strict=True)) == {each: each for each in range(len(terms))}
