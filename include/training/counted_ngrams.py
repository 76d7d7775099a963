"""Fits a TfidfVectorizer in less memory: the result is that of its own `fit_transform`, to the last bit.

scikit-learn keeps each count in two arrays that double as they grow, sorts the whole vocabulary, and copies the matrix
of all n-grams for each of its limits. Here narratives are counted in parts, and n-grams that are too rare or too
frequent leave before the vocabulary is sorted and the matrix is put together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer

PART = 10_000  # narratives

Counts = npt.NDArray[np.int32]


class _Part(NamedTuple):
    """Some narratives: the numbers of their n-grams, how often each occurs, and how many n-grams each narrative has."""

    ngrams: Counts
    times: Counts
    lengths: Counts


def fit_transform(tfidf: TfidfVectorizer, narratives: Sequence[str]) -> tuple[TfidfVectorizer, csr_matrix]:
    """A vectorizer with the parameters of `tfidf`, fitted, and the features of the narratives, (narratives, n-grams).

    Raises:
        ValueError: no n-gram is frequent enough.
    """
    number: defaultdict[str, int] = defaultdict()
    number.default_factory = number.__len__
    analyze = tfidf.build_analyzer()
    parts = [
        _part((analyze(text) for text in narratives[start : start + PART]), number)
        for start in range(0, len(narratives), PART)
    ]
    terms, columns = _vocabulary(tfidf, list(number), parts, len(narratives))
    number.clear()
    counts = _matrix(parts, columns, len(terms))
    weights = TfidfTransformer(norm=tfidf.norm, use_idf=tfidf.use_idf, sublinear_tf=tfidf.sublinear_tf).fit(counts)
    fitted = TfidfVectorizer(**{**tfidf.get_params(), "vocabulary": {term: place for place, term in enumerate(terms)}})
    fitted.idf_ = weights.idf_
    return fitted, csr_matrix(weights.transform(counts, copy=False))


def _part(documents: Iterable[Sequence[str]], number: defaultdict[str, int]) -> _Part:
    """Counts documents; an n-gram that has no number gets the next one."""
    ngrams, times, lengths = [], [], []
    for document in documents:
        found = Counter(map(number.__getitem__, document))
        # In the order of their numbers, as scikit-learn sorts them: sums of floats depend on it.
        ordered = sorted(found.items())
        ngrams += [ngram for ngram, _ in ordered]
        times += [count for _, count in ordered]
        lengths.append(len(ordered))
    return _Part(*(np.array(each, dtype=np.int32) for each in (ngrams, times, lengths)))


def _vocabulary(
    tfidf: TfidfVectorizer, terms: list[str], parts: Sequence[_Part], documents: int
) -> tuple[list[str], Counts]:
    """The terms that are kept, sorted, and the column of each term by its number: -1 for the others."""
    if not terms:
        raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
    within, times = np.zeros(len(terms), dtype=np.int64), np.zeros(len(terms), dtype=np.int64)
    for part in parts:
        within += np.bincount(part.ngrams, minlength=len(terms))
        np.add.at(times, part.ngrams, part.times)
    kept = np.flatnonzero((within >= tfidf.min_df) & (within <= tfidf.max_df * documents))
    kept = np.array(sorted(kept.tolist(), key=terms.__getitem__), dtype=np.int64)
    if len(kept) > tfidf.max_features:
        # As scikit-learn does it, with its order of n-grams that are equally frequent.
        kept = kept[np.sort((-times[kept].astype(np.float64)).argsort()[: tfidf.max_features])]
    if not len(kept):
        raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")
    columns = np.full(len(terms), -1, dtype=np.int32)
    columns[kept] = np.arange(len(kept), dtype=np.int32)
    return [terms[place] for place in kept], columns


def _matrix(parts: list[_Part], columns: Counts, width: int) -> csr_matrix:
    """How often each kept n-gram (columns) occurs in each narrative (rows). Empties `parts`."""
    height = sum(len(part.lengths) for part in parts)
    size = sum(int(np.count_nonzero(columns[part.ngrams] >= 0)) for part in parts)
    indices, data = np.empty(size, dtype=np.int32), np.empty(size)
    lengths, end = np.zeros(height + 1, dtype=np.int64), 0
    row = 1
    for place, part in enumerate(parts):
        column = columns[part.ngrams]
        is_kept = column >= 0
        before, end = end, end + int(np.count_nonzero(is_kept))
        indices[before:end], data[before:end] = column[is_kept], part.times[is_kept]
        ends = np.concatenate([[0], np.cumsum(is_kept)])[np.cumsum(part.lengths)]
        lengths[row : row + len(ends)] = before + ends
        row += len(ends)
        parts[place] = _Part(*(np.empty(0, dtype=np.int32) for _ in range(3)))
    return csr_matrix((data, indices, lengths.astype(np.int32)), shape=(height, width))
