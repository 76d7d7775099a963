"""Finds the words in texts' bytes, and makes of each, and of each run of them, a 64-bit number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_BYTES = 8  # letters that are hashed at a time
_PADDING = b"\n" * (_BYTES + 1)
_X, _S = ord("x"), ord("s")
# Odd numbers without a pattern (the fractions of square roots of primes): what is multiplied by them spreads.
_FACTORS = np.array([0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1], dtype=np.uint64)
_MASKS = np.array([(1 << 8 * letters) - 1 for letters in range(_BYTES + 1)], dtype=np.uint64)


def hashed_words(texts: Sequence[bytes]) -> tuple[Hashes, Places]:
    """Of each word of the texts, in order: its hash, and the number of its text.

    A word is two or more of the letters a to z in either case; one that begins with xx is a redaction and left out,
    and a last s, where two letters stand before it, does not count.
    """
    joined = b"\n" + b"\n".join(texts).lower() + _PADDING
    content = np.frombuffer(joined, np.uint8)
    is_letter = (content - ord("a")) < 26
    edges = np.flatnonzero(is_letter[1:] != is_letter[:-1]) + 1
    starts, lengths = edges[0::2], edges[1::2] - edges[0::2]
    text_of = _text_of(texts, starts)
    redacted = (content[starts] == _X) & (content[starts + 1] == _X)
    is_word = np.flatnonzero((lengths > 1) & ~redacted)
    starts, lengths, text_of = starts[is_word], lengths[is_word], text_of[is_word]
    lengths = lengths - ((lengths > 2) & (content[starts + lengths - 1] == _S))
    return _hashed(content, starts, lengths), text_of


def _text_of(texts: Sequence[bytes], starts: Places) -> Places:
    sizes = np.array([len(text) + 1 for text in texts], dtype=np.int64)
    words = np.diff(np.searchsorted(starts, np.concatenate([[0], np.cumsum(sizes) + 1])))
    return np.repeat(np.arange(len(texts)), words)


def _hashed(content: npt.NDArray[np.uint8], starts: Places, lengths: Places) -> Hashes:
    eight = np.lib.stride_tricks.as_strided(
        content[:_BYTES].view("<u8"), shape=(len(content) - _BYTES + 1,), strides=(1,), writeable=False
    )
    letters = eight[starts] & _MASKS[np.minimum(lengths, _BYTES)]
    hashes = _mixed(letters * _FACTORS[0])
    # Few words are so long that a second round is needed, fewer a third.
    longer = np.flatnonzero(lengths > _BYTES)
    done = _BYTES
    while len(longer):
        letters = eight[starts[longer] + done] & _MASKS[np.minimum(lengths[longer] - done, _BYTES)]
        hashes[longer] = _mixed((hashes[longer] ^ letters) * _FACTORS[1])
        done += _BYTES
        longer = longer[lengths[longer] > done]
    return hashes


def hashed_ngrams(words: Hashes, text_of: Places, length: int) -> tuple[Hashes, Places]:
    """Of each run of `length` words within one text: its hash, and the place of its first word."""
    if length == 1:
        return words, np.arange(len(words))
    last = max(len(words) - length + 1, 0)
    places = np.flatnonzero(text_of[:last] == text_of[len(words) - last :])
    hashes = words[places]
    for following in range(1, length):
        hashes = _mixed(hashes * _FACTORS[2] + words[places + following] * _FACTORS[3])
    return hashes, places


def _mixed(hashes: Hashes) -> Hashes:
    """The high half of a product depends on all of its factors' bits; so does the low half, thereafter."""
    return hashes ^ (hashes >> np.uint64(32))
