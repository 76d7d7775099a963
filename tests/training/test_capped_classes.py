"""A large class is learned from some of its rows, which count for all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import train

from tests.training.test_train import rows_of, trained, write


def fitted(count: int, most: int) -> train.TrainedModel:
    rows = [*rows_of(count, labels=("card",)), *rows_of(40, labels=("mortgage", "student_loan"))]
    options = argparse.Namespace(ngram_max=1, min_df=1, max_df=1.0, max_features=500, C=1.0, balance=0.0, seed=13)
    options.max_class_rows = most
    return train.fit([text for _, text, _ in rows], [label for *_, label in rows], options)


def test_a_class_within_the_cap_gives_the_same_bytes_as_none(tmp_path: Path) -> None:
    channel = write(tmp_path / "train", rows_of())
    assert trained(channel, tmp_path / "one") == trained(channel, tmp_path / "two", "--max_class_rows", "30")


def test_a_capped_class_stays_as_likely_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    text = ["bank called me"]  # words that all classes have
    whole, capped = fitted(400, 400), fitted(400, 100)
    assert capsys.readouterr().out == "capped_rows=180\n"
    few = fitted(100, 100)
    card = list(whole.pipeline.classes_).index("card")
    of_whole, of_capped, of_few = (each.pipeline.predict_proba(text)[0, card] for each in (whole, capped, few))
    assert of_capped > of_few
    assert abs(of_capped - of_whole) < abs(of_few - of_whole)
    assert np.argmax(capped.pipeline.predict_proba(text)) == card


def test_the_same_rows_are_chosen_each_time(tmp_path: Path) -> None:
    channel = write(tmp_path / "train", rows_of())
    assert trained(channel, tmp_path / "one", "--max_class_rows", "20") == trained(
        channel, tmp_path / "two", "--max_class_rows", "20"
    )
