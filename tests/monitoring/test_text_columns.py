"""Monitoring takes for a word what the model takes for one, whatever the text."""

from __future__ import annotations

import re

import train
from hypothesis import example, given
from hypothesis import strategies as st
from signals import presence
from text_columns import text_columns

_TEXTS = st.text(st.sampled_from("abcsxXYZ É\u212aİ\u0131ß\u2028\ud800€�'-/9") | st.characters(), max_size=60)


@given(_TEXTS)
@example("As asss SS xx xxs XXXX classes s \u212aeys nai\u0308ves \ud800as")
def test_words_are_those_of_the_models_vectoriser(text: str) -> None:
    expected = re.findall(train.WORD, text.lower())
    found = text_columns([text], expected[:2])
    known = sum(word in expected[:2] for word in expected)
    assert found.terms == [frozenset(expected)]
    assert found.words.tolist() == [len(expected)]
    assert found.unknown.tolist() == [(len(expected) - known) / max(len(expected), 1)]


@given(st.lists(st.frozensets(st.sampled_from("abcdef")), max_size=6), st.lists(st.sampled_from("abcxyz"), unique=True))
def test_presence_says_which_complaint_has_which_term(terms: list[frozenset[str]], names: list[str]) -> None:
    assert presence(terms, names).tolist() == [[name in each for name in names] for each in terms]
