"""The words of a class are those that speak for it in many narratives."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import model_folder
import train
from class_words import class_words


def words(folder: Path, taught: dict[str, list[str]], least: int = 1) -> dict[str, list[str]]:
    options = argparse.Namespace(ngram_max=2, min_df=least, max_df=1.0, max_features=500, C=1.0, balance=0.5, seed=13)
    labels = [label for label, texts in taught.items() for _ in texts]
    model = train.fit([text for texts in taught.values() for text in texts], labels, options)
    model_folder.save(model, folder, training_rows=len(labels))
    return class_words(folder, json.loads((folder / "signature.json").read_text()))


COMMON = {
    "card": ["a fee on the card"] * 6 + ["the card of Zebedee"],
    "mortgage": ["the escrow of the mortgage"] * 7,
    "student_loan": ["the college and the loan"] * 7,
}


def test_the_words_that_speak_for_a_class_lead_it(tmp_path: Path) -> None:
    found = words(tmp_path, COMMON)
    assert list(found) == ["card", "mortgage", "student_loan"]
    assert {"card", "fee"} <= set(found["card"])
    assert {"escrow", "mortgage"} <= set(found["mortgage"])
    assert not {"card", "escrow"} & set(found["student_loan"])


def test_a_word_of_few_narratives_is_not_named(tmp_path: Path) -> None:
    assert not [each for found in words(tmp_path, COMMON).values() for each in found if "zebedee" in each]


def test_two_classes_have_their_own_words(tmp_path: Path) -> None:
    found = words(tmp_path, {name: COMMON[name] for name in ("card", "mortgage")})
    assert "fee" in found["card"]
    assert "escrow" in found["mortgage"]
    assert not set(found["card"]) & set(found["mortgage"])
