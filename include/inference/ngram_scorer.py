"""Scores narratives from their bytes: the probabilities of the saved pipeline, without a Python object for each word.

A payload is one array of bytes. Words are where letters begin and end in it, an n-gram is a 64-bit number that is made
of its words' letters, and a sorted run of such numbers is all that a TF-IDF is: nothing here loops over words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from evidence import Evidence, strongest
from issue_scorer import Issues, IssueScorer
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


class Answers(NamedTuple):
    """What the model says of narratives.

    `probabilities` is (narratives, classes); `known` the number of different known n-grams in each narrative; `best`
    the two most probable classes, (narratives, 2); `evidence` what spoke most for either, empty where nobody asked;
    `issues` None where nobody asked, or the model has none.
    """

    probabilities: Floats
    known: Counts
    best: npt.NDArray[np.intp]
    evidence: tuple[Evidence, ...]
    issues: Issues | None


class _Scored(NamedTuple):
    """The scores of some narratives, (narratives, classes), and what they sum up: features by their norms.

    `features` is (narratives, features), `norms` (narratives, 1).
    """

    scores: Floats
    features: csr_matrix
    norms: Floats


class NgramScorer:
    """Answers as the model's pipeline does, to about 1e-12, with the model's doubt in its probabilities.

    `explains`: its answers have evidence. `finds_issues`: they have issues, if the model knows any.

    Raises:
        ModelRefusedError: the vectoriser finds words in another way than this code does, or two of its n-grams have
            the same hash.
    """

    def __init__(self, model: TrainedModel, *, explains: bool = False, finds_issues: bool = False) -> None:
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
        self.explains = explains
        self._issues = IssueScorer(model.issues, tfidf.idf_) if finds_issues and model.issues else None
        self._average: Floats = self._weights.mean(axis=1)
        self.ngrams: list[str] = sorted(tfidf.vocabulary_, key=tfidf.vocabulary_.__getitem__) if explains else []

    def predict(self, narratives: Sequence[str]) -> npt.NDArray[Any]:
        """The most probable class of each narrative."""
        best = [each.scores.argmax(axis=1) for each in self._scored(narratives)]
        return np.asarray(self.classes_[np.concatenate(best)] if best else self.classes_[:0])

    def predict_proba(self, narratives: Sequence[str]) -> Floats:
        """The probabilities, (narratives, classes)."""
        none = np.empty((0, len(self.classes_)))
        return np.concatenate([none, *map(self._probabilities, self._scored(narratives))])

    def answers(self, narratives: Sequence[str], products: Sequence[str | None] | None = None) -> Iterator[Answers]:
        """The answers, some narratives at a time, in order.

        `products` has the product of each narrative, for its issue; None where the predicted one is taken.
        """
        start = 0
        for scored in self._scored(narratives):
            probabilities = self._probabilities(scored)
            best = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
            given = products[start : start + len(best)] if products else [None] * len(best)
            start += len(best)
            known = np.diff(scored.features.indptr)
            yield Answers(
                probabilities, known, best, self._evidence(scored, best), self._issues_of(scored, best, given)
            )

    def _issues_of(self, scored: _Scored, best: npt.NDArray[np.intp], products: Sequence[str | None]) -> Issues | None:
        if self._issues is None:
            return None
        predicted = self.classes_[best[:, 0]]
        taken = [product or str(name) for product, name in zip(products, predicted, strict=True)]
        return self._issues.answers(scored.features, scored.norms, taken)

    def _evidence(self, scored: _Scored, best: npt.NDArray[np.intp]) -> tuple[Evidence, ...]:
        if not self.explains:
            return ()
        found = (strongest(scored.features, self._weights, self._average, classes) for classes in best.T)
        return tuple(each._replace(weights=each.weights / scored.norms) for each in found)

    def _probabilities(self, scored: _Scored) -> Floats:
        sure = softmax(scored.scores, axis=1)
        return np.asarray((1 - self._doubt) * sure + self._doubt / len(self.classes_))

    def _scored(self, narratives: Sequence[str]) -> Iterator[_Scored]:
        for texts in _chunks(narratives):
            counted = self._counted(texts)
            counted.data = _one_plus_log(counted.data)
            known = np.diff(counted.indptr)
            rows = np.repeat(np.arange(len(texts)), known)
            squares = np.bincount(rows, (counted.data * self._idf[counted.indices]) ** 2, len(texts))
            # A narrative without a known word keeps its zeros.
            norms = np.sqrt(np.where(squares > 0, squares, 1.0))[:, None]
            yield _Scored((counted @ self._weights) / norms + self._intercept, counted, norms)

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
