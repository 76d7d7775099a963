"""Scores narratives from their bytes: the probabilities of the saved pipeline, without a Python object for each word.

A payload is one array of bytes. Words are where letters begin and end in it, an n-gram is a 64-bit number that is made
of its words' letters, and a sorted run of such numbers is all that a TF-IDF is: nothing here loops over words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ngram_table import NgramTable
from scipy.sparse import csr_matrix
from scipy.special import softmax
from trained_model import ModelRefusedError, TrainedModel
from word_hashes import hashed_ngrams, hashed_words

# The only pattern of words that this code implements: training's WORD.
WORD = r"(?<![a-z])(?!xx)([a-z]{2,}?)(?=s?(?![a-z]))"
# The parameters that a TfidfVectorizer must have.
FIXED = {"sublinear_tf": True, "lowercase": True, "token_pattern": WORD, "norm": "l2", "use_idf": True}
# Narratives scored at a time: intermediate results stay in a processor's cache.
_CHUNK_BYTES = 400_000

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class NgramScorer:
    """Answers as the model's pipeline does, to about 1e-12, with the model's doubt in its probabilities.

    Raises:
        ModelRefusedError: the vectoriser finds words in another way than this code does, or two of its n-grams have
            the same hash.
    """

    def __init__(self, model: TrainedModel) -> None:
        tfidf, classifier = model.pipeline["tfidf"], model.pipeline["classifier"]
        found = tfidf.get_params()
        if other := {name: found[name] for name, value in FIXED.items() if found[name] != value}:
            raise ModelRefusedError(f"the vectoriser has {other}; this code serves {FIXED}")
        self.classes_: npt.NDArray[Any] = classifier.classes_
        self._lengths: tuple[int, int] = found["ngram_range"]
        self._table = NgramTable(tfidf.vocabulary_)
        self._idf: Floats = tfidf.idf_
        by_class, intercept = classifier.coef_, classifier.intercept_
        if len(self.classes_) == 2:
            by_class, intercept = np.vstack([0 * by_class, by_class]), np.concatenate([[0.0], intercept])
        self._weights = np.ascontiguousarray((by_class * tfidf.idf_).T)
        self._intercept = intercept
        self._doubt = model.doubt

    def predict(self, narratives: Sequence[str]) -> npt.NDArray[Any]:
        """The most probable class of each narrative."""
        best = [scores.argmax(axis=1) for scores, _ in self._scores(narratives)]
        return np.asarray(self.classes_[np.concatenate(best)] if best else self.classes_[:0])

    def predict_proba(self, narratives: Sequence[str]) -> Floats:
        """The probabilities, (narratives, classes)."""
        return self.predict_with_evidence(narratives)[0]

    def predict_with_evidence(self, narratives: Sequence[str]) -> tuple[Floats, Counts]:
        """The probabilities, (narratives, classes), and the number of different known n-grams in each narrative."""
        sure, known = [np.empty((0, len(self.classes_)))], [np.empty(0, np.int64)]
        for scores, counts in self._scores(narratives):
            sure.append(softmax(scores, axis=1))
            known.append(counts)
        probabilities = (1 - self._doubt) * np.concatenate(sure) + self._doubt / len(self.classes_)
        return np.asarray(probabilities), np.concatenate(known)

    def _scores(self, narratives: Sequence[str]) -> Iterator[tuple[Floats, Counts]]:
        for texts in _chunks(narratives):
            counted = self._counted(texts)
            counted.data = _one_plus_log(counted.data)
            known = np.diff(counted.indptr).astype(np.int64)
            rows = np.repeat(np.arange(len(texts)), known)
            squares = np.bincount(rows, (counted.data * self._idf[counted.indices]) ** 2, len(texts))
            norms = np.sqrt(squares)[:, None]
            # A narrative without a known word keeps its zeros.
            yield (counted @ self._weights) / np.where(norms > 0, norms, 1.0) + self._intercept, known

    def _counted(self, texts: Sequence[bytes]) -> csr_matrix:
        """The count of each known n-gram (column) in each text (row)."""
        words, text_of = hashed_words(texts)
        columns, rows = [], []
        for length in range(self._lengths[0], self._lengths[1] + 1):
            ngrams, places = hashed_ngrams(words, text_of, length)
            found, column = self._table.columns(ngrams)
            columns.append(column)
            rows.append(text_of[places[found]])
        width = len(self._table)
        # Text and column as one number, in order: what is counted stands side by side.
        keys = np.sort(np.concatenate(rows) * np.int64(width) + np.concatenate(columns))
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.empty(0, np.int64)
        counts = np.diff(first, append=len(keys)).astype(np.float64)
        row, column = np.divmod(keys[first], width)
        ends = np.searchsorted(row, np.arange(len(texts) + 1))
        return csr_matrix((counts, column.astype(np.int32), ends.astype(np.int32)), shape=(len(texts), width))


def _chunks(narratives: Sequence[str]) -> Iterator[list[bytes]]:
    texts: list[bytes] = []
    size = 0
    for narrative in narratives:
        # A lone surrogate, which JSON can write and UTF-8 cannot, is no letter.
        text = narrative.encode() if narrative.isascii() else narrative.lower().encode("utf-8", "replace")
        texts.append(text)
        size += len(text)
        if size > _CHUNK_BYTES:
            yield texts
            texts, size = [], 0
    if texts:
        yield texts


_LOGS = 1 + np.log(np.arange(1, 1025, dtype=np.float64))


def _one_plus_log(counts: Floats) -> Floats:
    """Looked up where counts are as small as they nearly always are."""
    if len(counts) and counts.max() <= len(_LOGS):
        return np.asarray(_LOGS[counts.astype(np.intp) - 1])
    return np.asarray(1 + np.log(counts))
