"""Finds the n-grams that spoke most for a class, from the sums that its score is made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

# N-grams named for each class.
_NAMED = 3

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.intp]


class Evidence(NamedTuple):
    """The strongest n-grams of each narrative for one class, strongest first, both (narratives, 3).

    `columns` are those of the vocabulary, -1 where fewer spoke for the class; `weights` are their parts of the class's
    score, beyond those of the average class.
    """

    columns: npt.NDArray[np.int64]
    weights: Floats


def strongest(parts: csr_matrix, weights: Floats, average: Floats, classes: Classes) -> Evidence:
    """What spoke most for one class of each narrative.

    `parts` (narratives, features) are the features that the scores are sums of, `weights` (features, classes), and
    `average` (features,) the mean of these; `classes` has the class that is asked about, by narrative.
    """
    count = len(classes)
    known = np.diff(parts.indptr)
    rows, filled = np.repeat(np.arange(count), known), np.flatnonzero(known)
    left = parts.data * (weights[parts.indices, classes[rows]] - average[parts.indices])
    columns, spoke = np.full((count, _NAMED), -1, dtype=np.int64), np.zeros((count, _NAMED))
    for turn in range(_NAMED if len(filled) else 0):
        most = np.zeros(count)
        most[filled] = np.maximum.reduceat(left, parts.indptr[:-1][filled])
        places = np.flatnonzero((left > 0) & (left == most[rows]))
        row, first = np.unique(rows[places], return_index=True)
        chosen = places[first]
        columns[row, turn], spoke[row, turn] = parts.indices[chosen], left[chosen]
        left[chosen] = 0.0
    return Evidence(columns, spoke)
