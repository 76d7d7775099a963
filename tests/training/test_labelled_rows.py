"""Labelled rows are read in the order of their ids, and only the narratives that are asked for."""

from __future__ import annotations

from pathlib import Path

import labelled_rows
import numpy as np
import pytest
from labelled_rows import LabelledRows, TrainingDataError
from narrative_groups import digest

from tests.training.test_train import rows_of, write


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabelledRows:
    """Those of `rows_of`, in three files, out of order, and read in small batches."""
    monkeypatch.setattr(labelled_rows, "BATCH_ROWS", 7)
    given = rows_of()
    return LabelledRows.of(write(tmp_path / "train", given[2::3][::-1], given[::3], given[1::3]))


def test_rows_come_in_the_order_of_their_ids(rows: LabelledRows) -> None:
    expected = sorted(rows_of())
    assert rows.labels == [label for *_, label in expected]
    assert rows.narratives() == [text for _, text, _ in expected]
    assert rows.digests() == [digest(text) for _, text, _ in expected]


def test_chosen_rows_have_their_own_narratives_by_number_and_by_mask(rows: LabelledRows) -> None:
    expected = sorted(rows_of())
    numbers = np.array([0, 3, 4, 50, 89])
    chosen = rows.chosen(numbers)
    assert list(zip(chosen.narratives(), chosen.labels, strict=True)) == [expected[row][1:] for row in numbers]
    mask = np.isin(np.arange(len(expected)), numbers)
    assert rows.chosen(mask).narratives() == chosen.narratives()
    assert chosen.chosen(np.array([4, 1])[::-1]).narratives() == [expected[3][1], expected[89][1]]


def test_a_folder_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"holds no labelled complaints \(0 Parquet files\)"):
        LabelledRows.of(tmp_path)
