"""Learns one linear classifier of word n-grams: weighted as naive Bayes would, separated by a maximal margin.

Each class's support-vector machine sees the TF-IDF values times the log-count ratio of the class (Wang and Manning,
2012, "Baselines and Bigrams"). The ratios are multiplied into the weights afterwards, so that what is left to serve is
a sum of weights, and stock scikit-learn can hold it. A second classifier of the same kind learns from the parts of the
words (`subwords`), so that a rare word is weighted like those that it shares letters with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from subwords import Subwords, largest_classes_capped

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]

_HELD_OUT = 5  # one group of narratives in five calibrates the confidence
# Beyond these a sharpness is no estimate but a set without an error, or one without a hit.
_SHARPNESS = (0.05, 20.0)
_MOST_DOUBT = 0.3
_LEAST_HELD_OUT = 50  # rows; a fifth of fewer than 250 says nothing about confidence
# Tried on real complaints: the sub-words' part of the spread of the scores, and the C of their machines, which are
# many and say little each. Their weights are scaled as a whole, so a coarse tolerance does.
_SUBWORD_SHARE, _SUBWORD_C, _SUBWORD_TOLERANCE = 0.3, 0.1, 0.1
# Rows of one class that sub-words are learned from: there are some tens of thousands of them to learn.
_SUBWORD_ROWS = 50_000
_WORD_TOLERANCE = 1e-4  # scikit-learn's own
# Tried on the issues of real complaints: how far a context counts beside the words.
_CONTEXT_WEIGHT = 0.1


class Weights(NamedTuple):
    """Scores are `features @ by_feature + intercept`: by_feature (features, classes), intercept (classes)."""

    by_feature: Floats
    intercept: Floats


def fit_classifier(
    features: csr_matrix,
    terms: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[object],
    *,
    c: float,
    balance: float,
    seed: int,
    context: csr_matrix | None = None,
    stands_for: Floats | None = None,
) -> tuple[LogisticRegression, float]:
    """A multinomial logistic regression with the learned weights, and the doubt that its probabilities leave out.

    `features` is (rows, features), not negative; `terms` are the n-grams of its columns; `groups` says which narratives
    are the same one. `c` is that of LinearSVC; `balance` is from 0 (a rare class counts as often as it occurs) to 1
    (all classes count the same). `context` (rows, contexts) has a one for what is known of each row beside its words;
    its coefficients stand behind those of the features. `stands_for` says for how many rows each stands; without it,
    for itself.
    """
    classes, which = np.unique(np.asarray(labels), return_inverse=True)
    contexts = 0 if context is None else context.shape[1]
    learner = _Learner(Subwords.of(terms), len(classes), c, balance, seed, contexts)
    if context is not None:
        features = csr_matrix(hstack([features, context]))
    each_for = np.ones(len(which)) if stands_for is None else stands_for
    weights = learner.weights(features, which, each_for)
    sharpness, doubt = _confidence(learner, features, which, each_for, _held_out(groups, seed))
    by_class, intercept = sharpness * weights.by_feature.T, sharpness * weights.intercept
    if len(classes) == 2:
        # Two classes share one row, since the probability of one is that of not being the other.
        by_class, intercept = by_class[1:] - by_class[:1], intercept[1:] - intercept[:1]
    classifier = LogisticRegression()
    classifier.classes_, classifier.coef_, classifier.intercept_ = classes, np.ascontiguousarray(by_class), intercept
    return classifier, doubt


class _Learner(NamedTuple):
    """What a fit needs beside its rows."""

    subwords: Subwords
    classes: int
    c: float
    balance: float
    seed: int
    contexts: int

    def weights(self, features: csr_matrix, which: Labels, stands_for: Floats) -> Weights:
        """Those of the n-grams, and behind them those of the contexts."""
        if not self.contexts:
            return self._of_ngrams(features, which, stands_for)
        found = self._of_ngrams(features, which, stands_for)
        lifts = _lifts(features[:, -self.contexts :], which, stands_for, self.classes)
        found.by_feature[-self.contexts :] += _CONTEXT_WEIGHT * lifts
        return found

    def _of_ngrams(self, features: csr_matrix, which: Labels, stands_for: Floats) -> Weights:
        """Those of the n-grams, with those of the sub-words folded into the weights of the words that have them."""
        counts = np.bincount(which, stands_for, self.classes)
        importance = ((stands_for.sum() / (self.classes * counts)) ** self.balance)[which] * stands_for
        words = self._naive_bayes_svm(features, which, stands_for, importance, self.c, _WORD_TOLERANCE)
        if not self.subwords.number:
            return words
        rows, weight = largest_classes_capped(which, _SUBWORD_ROWS, self.seed)
        parts = self.subwords.features(features[rows])
        learned = self._naive_bayes_svm(
            parts, which[rows], stands_for[rows], importance[rows] * weight, _SUBWORD_C, _SUBWORD_TOLERANCE
        )
        folded = self.subwords.folded(learned.by_feature, features.shape[1])
        spread = float((features @ folded).std())
        share = _SUBWORD_SHARE * float((features @ words.by_feature).std()) / spread if spread else 0.0
        return Weights(words.by_feature + share * folded, words.intercept + share * learned.intercept)

    def _naive_bayes_svm(
        self, features: csr_matrix, which: Labels, stands_for: Floats, importance: Floats, c: float, tolerance: float
    ) -> Weights:
        present = csr_matrix((np.ones_like(features.data), features.indices, features.indptr), shape=features.shape)
        # Of how many complaints of each class (rows) each feature (columns) is part.
        belongs = csr_matrix((stands_for, (which, np.arange(len(which)))), shape=(self.classes, len(which)))
        found = (belongs @ present).toarray()
        del present, belongs  # each as large as the features, which liblinear copies in its turn
        by_feature, intercept = np.empty((features.shape[1], self.classes)), np.empty(self.classes)
        for each in range(self.classes):
            ratio = _log_count_ratio(found[each], found.sum(axis=0) - found[each])
            machine = LinearSVC(C=c, tol=tolerance, random_state=self.seed, max_iter=20_000, dual=True)
            weighted = csr_matrix(
                (features.data * ratio[features.indices], features.indices, features.indptr), features.shape
            )
            machine.fit(weighted, which == each, sample_weight=importance)
            del weighted
            by_feature[:, each] = machine.coef_[0] * ratio
            intercept[each] = machine.intercept_[0]
        return Weights(by_feature, intercept)


def _lifts(context: csr_matrix, which: Labels, stands_for: Floats, classes: int) -> Floats:
    """By how much each class is more likely in each context than elsewhere, (contexts, classes), as logarithms.

    Smoothed by one row of all classes, so that what a context never had stays possible there.
    """
    counts = np.zeros((context.shape[1], classes))
    rows = np.repeat(np.arange(len(which)), np.diff(context.indptr))
    np.add.at(counts, (context.indices, which[rows]), stands_for[rows])
    share = counts.sum(axis=0) / counts.sum()
    within = (counts + share) / (counts.sum(axis=1, keepdims=True) + 1)
    return np.asarray(np.log(within) - np.log(share))


def _log_count_ratio(inside: Floats, outside: Floats) -> Floats:
    """The smoothed log ratio of each feature's frequency inside a class to that outside, scaled to 1 on average."""
    p, q = inside + 1, outside + 1
    ratio = np.log(p / p.sum()) - np.log(q / q.sum())
    return np.asarray(ratio / max(float(np.abs(ratio).mean()), 1e-12))


def _held_out(groups: Sequence[object], seed: int) -> npt.NDArray[np.bool_]:
    """True for the rows that the first fit does not see: all rows of a group, or none."""
    order: dict[object, int] = {}
    number = np.array([order.setdefault(group, len(order)) for group in groups])
    chosen = np.random.default_rng(seed).permutation(len(order))[: len(order) // _HELD_OUT]
    return np.isin(number, chosen)


def _confidence(
    learner: _Learner, features: csr_matrix, which: Labels, stands_for: Floats, held_out: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """The sharpness and the doubt that make the best class's probability the share of right answers.

    Probabilities are `(1 - doubt) * softmax(sharpness * scores) + doubt / classes`: the temperature of Guo et al.
    (2017), and a share of complaints whose text does not determine the label (some narratives are published
    under two products). Both minimise the squared error of the best class's probability (Brier, 1950) on what is held
    out. Without them the answer is cautious: where too little is held out, or a class would have nothing to learn from.
    """
    known, classes = which[~held_out], learner.classes
    if len(np.unique(known)) < classes or held_out.sum() < _LEAST_HELD_OUT:
        return 1.0, 0.0
    weights = learner.weights(features[~held_out], known, stands_for[~held_out])
    scores = features[held_out] @ weights.by_feature + weights.intercept
    right = scores.argmax(axis=1) == which[held_out]

    def error(found: Floats) -> float:
        best = softmax(np.exp(found[0]) * scores, axis=1).max(axis=1)
        squares = ((1 - found[1]) * best + found[1] / classes - right) ** 2
        return float(np.average(squares, weights=stands_for[held_out]))

    start = (np.log(_SHARPNESS[1]) / 2, _MOST_DOUBT / 4)
    bounds = [tuple(np.log(_SHARPNESS)), (0.0, _MOST_DOUBT)]
    log_sharpness, doubt = minimize(error, start, method="Nelder-Mead", bounds=bounds).x
    return float(np.exp(log_sharpness)), float(doubt)
