"""N-grams counted in parts are those of scikit-learn, to the last bit."""

from __future__ import annotations

import random
from typing import Any

import counted_ngrams
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

WORDS = [f"{first}{second}" for first in "abcdefgh" for second in "aeiou"]


def narratives(count: int) -> list[str]:
    """Of few words, so that many n-grams are equally frequent; some narratives are empty."""
    chance = random.Random(5)
    return [" ".join(chance.choices(WORDS, k=chance.randrange(12))) for _ in range(count)]


def vectorizer(**given: Any) -> TfidfVectorizer:
    return TfidfVectorizer(**({"ngram_range": (1, 2), "max_features": 10_000, "sublinear_tf": True} | given))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"min_df": 3},
        {"max_df": 0.05},
        {"max_features": 50},
        {"min_df": 2, "max_df": 0.5, "max_features": 201, "sublinear_tf": False},
        {"ngram_range": (1, 1)},
    ],
)
def test_a_vectorizer_fitted_in_parts_is_that_of_scikit_learn(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = narratives(700)
    stock = vectorizer(**given)
    expected = stock.fit_transform(texts)
    monkeypatch.setattr(counted_ngrams, "PART", 97)
    fitted, features = counted_ngrams.fit_transform(vectorizer(**given), texts)
    assert fitted.vocabulary_ == stock.vocabulary_
    assert np.array_equal(fitted.idf_, stock.idf_)
    for part in ("indptr", "indices", "data"):
        assert getattr(features, part).tobytes() == getattr(expected, part).tobytes(), part
    unseen = ["aa bi cu", "ho ho ho", ""]
    assert (fitted.transform(unseen) != stock.transform(unseen)).nnz == 0


@pytest.mark.parametrize("texts", [["", " "], ["aa", "bi"]])
def test_where_no_ngram_is_left_it_is_refused_as_scikit_learn_does(texts: list[str]) -> None:
    for fit in (
        lambda: counted_ngrams.fit_transform(vectorizer(min_df=2), texts),
        lambda: vectorizer(min_df=2).fit(texts),
    ):
        with pytest.raises(ValueError, match=r"empty vocabulary|no terms remain"):
            fit()
