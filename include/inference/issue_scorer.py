"""Answers the second question: the likeliest issues of a narrative, given its product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import softmax
from trained_model import IssueModel

# Issues named in an answer.
_NAMED = 3

Floats = npt.NDArray[np.float64]


class Issues(NamedTuple):
    """The three likeliest issues of each narrative, likeliest first, and their probabilities, both (narratives, 3)."""

    names: npt.NDArray[Any]
    confidences: Floats


class IssueScorer:
    """Scores the features of narratives, which the first question has found already."""

    def __init__(self, model: IssueModel, idf: Floats) -> None:
        by_class, intercept = model.coef.astype(np.float64), model.intercept
        if len(model.classes) == 2:
            by_class, intercept = np.vstack([0 * by_class, by_class]), np.concatenate([[0.0], intercept])
        self._classes = np.array(model.classes)
        self._weights = np.ascontiguousarray((by_class[:, : len(idf)] * idf).T)
        self._by_product = np.ascontiguousarray(by_class[:, len(idf) :].T)
        self._place = {name: place for place, name in enumerate(model.products)}
        self._intercept, self._doubt = intercept, model.doubt

    def answers(self, features: csr_matrix, norms: Floats, products: Sequence[str]) -> Issues:
        """The issues of narratives with these features, (narratives, features), by these norms, (narratives, 1)."""
        scores = (features @ self._weights) / norms + self._intercept
        # A product that the model never saw an issue of says nothing.
        places = np.array([self._place.get(product, -1) for product in products], dtype=np.intp)
        scores += np.where(places[:, None] >= 0, self._by_product[places], 0.0)
        probabilities = (1 - self._doubt) * softmax(scores, axis=1) + self._doubt / len(self._classes)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :_NAMED]
        return Issues(self._classes[best], np.take_along_axis(probabilities, best, axis=1))
