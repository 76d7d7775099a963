"""A hash table of n-grams in two arrays, which looks up all n-grams of a payload at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from trained_model import ModelRefusedError
from word_hashes import Hashes, hashed_ngrams, hashed_words

_SLOTS_AN_ENTRY = 4  # at least: most n-grams of a narrative are not known, and meet an empty slot at once
_FEWEST_SLOTS = 10  # as a power of 2


class NgramTable:
    """The columns of a vocabulary's n-grams.

    Raises:
        ModelRefusedError: two n-grams have the same hash, or one is no run of words.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        hashes = _hashes_of(list(vocabulary))
        if len(np.unique(hashes)) < len(hashes):
            raise ModelRefusedError(f"two of {len(hashes):,} n-grams have the same hash: train with another min_df")
        self._entries = len(hashes)
        power = max(_FEWEST_SLOTS, int(self._entries * _SLOTS_AN_ENTRY).bit_length())
        self._shift, self._last = np.uint64(64 - power), (1 << power) - 1
        self._hashes = np.zeros(1 << power, dtype=np.uint64)
        self._columns = np.zeros(1 << power, dtype=np.int64)
        self._fill(hashes, np.fromiter(vocabulary.values(), np.int64, self._entries))

    def __len__(self) -> int:
        return self._entries

    def _fill(self, hashes: Hashes, columns: npt.NDArray[np.int64]) -> None:
        slots = (hashes >> self._shift).astype(np.int64)
        while len(hashes):
            free = np.flatnonzero(self._hashes[slots] == 0)
            # Of those that want one slot the first gets it, and the others try the next.
            chosen, first = np.unique(slots[free], return_index=True)
            self._hashes[chosen], self._columns[chosen] = hashes[free[first]], columns[free[first]]
            rest = np.delete(np.arange(len(hashes)), free[first])
            hashes, columns, slots = hashes[rest], columns[rest], (slots[rest] + 1) & self._last

    def columns(self, hashes: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The places of the known hashes, in no order, and their columns."""
        slots = (hashes >> self._shift).astype(np.int64)
        places = np.arange(len(hashes))
        found, columns = [], []
        while len(places):
            there, wanted = self._hashes[slots], hashes[places]
            same = np.flatnonzero(there == wanted)
            found.append(places[same])
            columns.append(self._columns[slots[same]])
            other = np.flatnonzero((there != wanted) & (there != 0))
            places, slots = places[other], (slots[other] + 1) & self._last
        none = np.empty(0, np.int64)
        return np.concatenate([none, *found]), np.concatenate([none, *columns])


def _hashes_of(ngrams: list[str]) -> Hashes:
    """The hash of each n-gram, whatever its number of words."""
    # A final s marks where a word ends, as a narrative's words end once their own is dropped.
    words, text_of = hashed_words([" ".join(f"{word}s" for word in ngram.split(" ")).encode() for ngram in ngrams])
    counts = np.bincount(text_of, minlength=len(ngrams))
    expected = np.array([ngram.count(" ") + 1 for ngram in ngrams])
    if wrong := np.flatnonzero(counts != expected).tolist():
        raise ModelRefusedError(f"{ngrams[wrong[0]]!r} is no n-gram of words as this code finds them")
    hashes = np.zeros(len(ngrams), dtype=np.uint64)
    for length in np.unique(expected).tolist():
        made, places = hashed_ngrams(words, text_of, length)
        whole = expected[text_of[places]] == length
        hashes[text_of[places[whole]]] = made[whole]
    return hashes
