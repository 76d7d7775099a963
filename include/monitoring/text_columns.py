"""Derives the numbers that are monitored from narratives: length, unknown words, redactions.

A raw text has no distribution to compare; these columns have one. A word is what the model takes for one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# All that is no letter is between words.
_LETTERS = bytes(each if chr(each) in ascii_lowercase else ord(" ") for each in range(256))
# `XXXX`, and dates like XX/XX/XXXX, which count as one.
_REDACTION = re.compile(r"X{2,}(?:/X{2,})*(?:/\d{2,4})?")
# UTF-8 that was decoded as Windows-1252 or Latin-1 (â€™, Ã©, Â ), and the mark of what could not be decoded at all.
_MOJIBAKE = re.compile("â€|â\x80|Ã[\x80-\xbf©¨¡³±¼¶]|Â[\xa0-\xbf]|�")

# Nearly every English text of a hundred characters has one of these words, and hardly one in another language.
_ENGLISH = frozenset(
    ["the", "and", "my", "that", "with", "for", "have", "they", "is", "of", "not", "from", "on", "to", "in"]
)
_LONG = 100  # characters


class TextColumns(NamedTuple):
    """One entry a narrative in each array.

    `words` is the number of words, `unknown` the share of them that the model does not know, `redacted` the number of
    redactions for each word, `mojibake` True where the text was decoded wrongly, `foreign` True where a text that is
    not short has no word that nearly every English text has, and `terms` the set of different words.
    """

    words: Floats
    unknown: Floats
    redacted: Floats
    mojibake: npt.NDArray[np.bool_]
    foreign: npt.NDArray[np.bool_]
    terms: list[frozenset[str]]


def text_columns(narratives: Sequence[str], vocabulary: Collection[str]) -> TextColumns:
    """The columns of each narrative; `vocabulary` has the model's n-grams, of which the single words count."""
    known = frozenset(term for term in vocabulary if " " not in term)
    spelling = _Spelling()
    words, unknown, redacted, foreign, terms = [], [], [], [], []
    for text in narratives:
        found = spelling.words(text)
        words.append(len(found))
        unknown.append((len(found) - sum(map(known.__contains__, found))) / max(len(found), 1))
        redacted.append((len(_REDACTION.findall(text)) if "XX" in text else 0) / max(len(found), 1))
        different = frozenset(found)
        foreign.append(len(text) >= _LONG and not different & _ENGLISH)
        terms.append(different)
    return TextColumns(
        np.array(words, float),
        np.array(unknown, float),
        np.minimum(np.array(redacted, float), 1.0),
        np.array([not text.isascii() and _MOJIBAKE.search(text) is not None for text in narratives], bool),
        np.array(foreign, bool),
        terms,
    )


class _Spelling(dict[bytes, str]):
    """The word of each run of letters, kept for its next time; empty where the model takes it for none.

    As training's WORD says, which the serving code refuses a model without: two letters or more, not a redaction, and
    without the `s` at its end. The pattern itself takes five times as long.
    """

    def __missing__(self, letters: bytes) -> str:
        is_word = len(letters) > 1 and not letters.startswith(b"xx")
        ends = -1 if len(letters) > 2 and letters.endswith(b"s") else None
        word = self[letters] = letters[:ends].decode("ascii") if is_word else ""
        return word

    def words(self, text: str) -> list[str]:
        """The words of a text, in order."""
        runs = text.lower().encode("utf-8", "replace").translate(_LETTERS).split()
        return [word for word in map(self.__getitem__, runs) if word]
