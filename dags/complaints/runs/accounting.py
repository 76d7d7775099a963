"""Rows in = rows out: the account that a run must pass before anything of it is published.

A Glue job counts the rows that it read and, separately, the rows that it wrote of each fate. Nothing was lost if both
agree for each file of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.errors import FinalError

CLASSIFICATION_FATES = ("classified", "without_narrative", "quarantined", "superseded")
INGESTION_FATES = ("new", "changed", "unchanged", "baseline", "superseded", "quarantined")
TRAINING_FATES = ("train", "test", "newest", "without_narrative", "unmapped", "quarantined", "superseded")


class RowsMissingError(FinalError, RuntimeError):
    """The fates do not add up to the rows that were read; the run must not be published."""


def check_account(account: Mapping[str, Any], fates: tuple[str, ...]) -> dict[str, int]:
    """The totals of an account that adds up, `rows_in` first.

    `account` is what a job wrote: `{"by_source": [{"source": uri, "rows_in": n, <fate>: n, ...}, ...]}`.

    Raises:
        RowsMissingError: it does not add up; the message names each wrong file and the difference.
    """
    wrong = []
    for source in account["by_source"]:
        accounted = sum(source[fate] for fate in fates)
        if accounted != source["rows_in"]:
            parts = " + ".join(f"{source[fate]} {fate}" for fate in fates)
            difference = source["rows_in"] - accounted
            verdict = f"{difference} missing" if difference > 0 else f"{-difference} too many"
            wrong.append(f"{source['source']}: {source['rows_in']} rows in, but {parts}: {verdict}")
    if wrong:
        raise RowsMissingError("; ".join(wrong))
    if not account["by_source"]:
        raise RowsMissingError("the account names no file: the job that wrote it read nothing")
    return {name: sum(source[name] for source in account["by_source"]) for name in ("rows_in", *fates)}
