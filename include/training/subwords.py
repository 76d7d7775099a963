"""The sub-words of a vocabulary: four letters in a row, a word's start and end counting as letters.

"loans" and "loan" are two columns to an n-gram model, and a word that occurs twice has no weight worth its name. Their
sub-words `<loa` and `loan` are one feature each. What is learned about sub-words is a sum over the words that have
them, so it can be added to the words' weights, and nothing more has to be served (the idea of fastText: Bojanowski et
al., 2017, "Enriching Word Vectors with Subword Information").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float64]

# Of 3, 4, 5 and all of them together, tried on real complaints, 4 is as good as all and costs a third.
_LETTERS = 4
_LEAST_WORDS = 2  # a sub-word of one word only says what the word says


class Subwords(NamedTuple):
    """`columns` of the features that are single words, and how often each has each sub-word, (words, sub-words)."""

    columns: npt.NDArray[np.intp]
    parts: csr_matrix

    @classmethod
    def of(cls, terms: Sequence[str]) -> Subwords:
        """The sub-words of the terms by column; terms of several words have none."""
        columns = [column for column, term in enumerate(terms) if " " not in term]
        number: dict[str, int] = {}
        words, found = [], []
        for row, column in enumerate(columns):
            for part in _parts(terms[column]):
                words.append(row)
                found.append(number.setdefault(part, len(number)))
        counts = csr_matrix((np.ones(len(words)), (words, found)), shape=(len(columns), len(number)))
        shared = np.bincount(counts.indices, minlength=len(number)) >= _LEAST_WORDS
        return cls(np.array(columns, dtype=np.intp), counts[:, np.flatnonzero(shared)])

    @property
    def number(self) -> int:
        """How many sub-words there are."""
        return int(self.parts.shape[1])

    def features(self, features: csr_matrix) -> csr_matrix:
        """The sub-words' part of each row, (rows, sub-words): the sum of the words that have them."""
        return csr_matrix(features[:, self.columns] @ self.parts)

    def folded(self, by_subword: Floats, features: int) -> Floats:
        """Weights of sub-words, (sub-words, classes), as weights of features, (features, classes)."""
        by_feature = np.zeros((features, by_subword.shape[1]))
        by_feature[self.columns] = self.parts @ by_subword
        return by_feature


def largest_classes_capped(which: npt.NDArray[Any], most: int, seed: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """At most so many rows of each class, in order, and for each how many rows of its class it stands for."""
    counts = np.bincount(which)
    if counts.max() <= most:
        return np.arange(len(which)), np.ones(len(which))
    order = np.random.default_rng(seed).permutation(len(which))
    by_class = order[np.argsort(which[order], kind="stable")]
    place = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.sort(by_class[place < most])
    return rows, np.maximum(counts / most, 1.0)[which[rows]]


def _parts(word: str) -> list[str]:
    marked = f"<{word}>"
    return [marked[start : start + _LETTERS] for start in range(len(marked) - _LETTERS + 1)]
