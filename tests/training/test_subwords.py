"""Sub-words: what a word shares with others, and the weights that it gets of them."""

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from subwords import Subwords, largest_classes_capped
from trained_model import load

from tests.training.test_train import rows_of, trained, write


def test_words_have_the_sub_words_that_another_word_has_too() -> None:
    subwords = Subwords.of(["loan", "loans", "my loan", "xyz"])
    assert list(subwords.columns) == [0, 1, 3]
    # <loa and loan: "oan>" is of one word only, and so is all of "xyz".
    assert subwords.parts.toarray().tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


def test_weights_of_sub_words_are_folded_into_the_words_that_have_them() -> None:
    subwords = Subwords.of(["my loan", "loan", "loans"])
    features = csr_matrix([[9.0, 1.0, 2.0]])
    by_subword = np.array([[1.0], [10.0]])
    folded = subwords.folded(by_subword, 3)
    assert folded.tolist() == [[0.0], [11.0], [11.0]]
    assert (features @ folded).tolist() == (subwords.features(features) @ by_subword).tolist() == [[33.0]]


def test_a_vocabulary_without_common_sub_words_has_none() -> None:
    assert Subwords.of(["ab", "cd ef"]).number == 0


def test_the_rows_that_are_left_of_a_large_class_stand_for_all_of_it() -> None:
    which = np.array([0, 1, 0, 0, 1, 0, 0, 0, 2, 0])
    rows, weight = largest_classes_capped(which, 2, seed=1)
    assert list(rows) == sorted(rows)
    assert np.bincount(which[rows]).tolist() == [2, 2, 1]
    assert np.bincount(which[rows], weights=weight).tolist() == [7.0, 2.0, 1.0]
    assert set(np.flatnonzero(which != 0)) < set(rows)


def test_small_classes_are_left_as_they_are() -> None:
    rows, weight = largest_classes_capped(np.array([1, 0, 1]), 2, seed=1)
    assert (list(rows), list(weight)) == ([0, 1, 2], [1.0, 1.0, 1.0])


def test_a_rare_word_is_told_by_the_words_that_it_shares_letters_with(tmp_path: Path) -> None:
    rows = rows_of(60)
    # In two narratives of the class only, beside words that all classes have.
    rare = [("9001", "mortgages bank called", "mortgage"), ("9002", "mortgages bank me", "mortgage")]
    trained(write(tmp_path / "train", rows + rare), tmp_path / "model")
    pipeline = load(tmp_path / "model").pipeline
    assert list(pipeline.predict(["the mortgages", "a mortgagee of mortgages"])) == ["mortgage", "mortgage"]
