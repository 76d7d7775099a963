"""Derives the numbers that are monitored from narratives: length, unknown words, redactions.

A raw text has no distribution to compare; these columns have one. A word is what the model takes for one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# The training's WORD: the serving code refuses a model with another pattern.
_WORD = re.compile(r"(?<![a-z])(?!xx)([a-z]{2,}?)(?=s?(?![a-z]))")
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
    words, unknown, redacted, foreign, terms = [], [], [], [], []
    for text in narratives:
        found = _WORD.findall(text.lower())
        words.append(len(found))
        unknown.append(sum(word not in known for word in found) / max(len(found), 1))
        redacted.append(len(_REDACTION.findall(text)) / max(len(found), 1))
        different = frozenset(found)
        foreign.append(len(text) >= _LONG and not different & _ENGLISH)
        terms.append(different)
    return TextColumns(
        np.array(words, float),
        np.array(unknown, float),
        np.minimum(np.array(redacted, float), 1.0),
        np.array([_MOJIBAKE.search(text) is not None for text in narratives], bool),
        np.array(foreign, bool),
        terms,
    )
