"""An account that does not add up is refused, and says where the rows are missing."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.runs.accounting import CLASSIFICATION_FATES, RowsMissingError, check_account


def source(name: str, rows_in: int, *fates: int) -> dict[str, Any]:
    return {"source": name, "rows_in": rows_in, **dict(zip(CLASSIFICATION_FATES, fates, strict=True))}


def test_an_account_that_adds_up_gives_its_totals() -> None:
    account = {"by_source": [source("a", 10, 4, 3, 2, 1), source("b", 5, 5, 0, 0, 0)]}
    assert check_account(account, CLASSIFICATION_FATES) == {
        "rows_in": 15,
        "classified": 9,
        "without_narrative": 3,
        "quarantined": 2,
        "superseded": 1,
    }


def test_missing_rows_are_counted_and_the_file_is_named() -> None:
    account = {"by_source": [source("raw/a.csv", 10, 4, 3, 2, 1), source("raw/b.csv", 5, 2, 0, 0, 0)]}
    with pytest.raises(RowsMissingError, match=r"raw/b\.csv: 5 rows in.*: 3 missing"):
        check_account(account, CLASSIFICATION_FATES)


def test_two_files_that_are_wrong_by_the_same_number_do_not_cancel_out() -> None:
    account = {"by_source": [source("a", 10, 9, 0, 0, 0), source("b", 5, 6, 0, 0, 0)]}
    with pytest.raises(RowsMissingError, match=r"a: .* 1 missing; b: .* 1 too many"):
        check_account(account, CLASSIFICATION_FATES)


def test_an_account_of_nothing_is_refused() -> None:
    with pytest.raises(RowsMissingError, match="names no file"):
        check_account({"by_source": []}, CLASSIFICATION_FATES)
