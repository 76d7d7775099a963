"""Narratives, cleaned many at a time."""

import pytest
from arrow_arrays import mask, texts
from narratives import cleaned, is_written, text_group, text_groups

TELLING = "I have told the bank that this is not my account, and they will not listen to me whatever I send to them. "
SPANISH = "El banco se niega a devolverme mi dinero. " * 3


@pytest.mark.parametrize(
    ("text", "not_english"),
    [
        (TELLING, False),
        (SPANISH, True),
        (SPANISH + "the", False),
        (SPANISH + "thé", True),
        (SPANISH + "éthe", True),
        (SPANISH + "THE", False),
        ("the", False),
    ],
)
def test_a_text_without_an_english_word_is_flagged(text: str, not_english: bool) -> None:
    assert cleaned(texts([text])).not_english.tolist() == [not_english]


def test_rows_without_a_narrative_have_no_flag_and_no_group() -> None:
    given = texts([None, TELLING, None])
    found = cleaned(given)
    assert found.texts.to_pylist() == given.to_pylist()
    assert not (found.control_characters | found.short_narrative | found.not_english).any()
    assert text_groups(given, is_written(given)).to_pylist() == [None, text_group(TELLING), None]


def test_a_group_knows_neither_case_nor_white_space() -> None:
    assert text_group(" A\xa0\n story") == text_group("a STORY ") != text_group("a stor y")


def test_a_part_of_a_column_is_as_good_as_a_column() -> None:
    part = texts(["nan", "N/A", " ", "a story", None, "\xa0"]).slice(2, 4)
    assert is_written(part).tolist() == [False, True, False, False]
    assert mask(part.is_valid()).tolist() == [True, True, False, True]
