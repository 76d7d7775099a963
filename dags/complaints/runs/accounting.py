"""Rows in = rows out: the account that decides whether a run may be seen.

A Glue job counts what it read and, separately, what it wrote of each fate. Only when both agree, for the
whole run and for each of its files, has nothing been lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLASSIFICATION_FATES = ("classified", "without_narrative", "quarantined", "superseded")
TRAINING_FATES = ("train", "test", "newest", "without_narrative", "unmapped", "quarantined", "superseded")


class RowsMissingError(RuntimeError):
    """The fates do not add up to the rows that were read; nothing may be published."""


def check_account(account: Mapping[str, Any], fates: tuple[str, ...]) -> dict[str, int]:
    """The account's totals, `rows_in` first, once they are proved to add up.

    `account` is what a job wrote: `{"by_source": [{"source": uri, "rows_in": n, <fate>: n, ...}, ...]}`.

    Raises:
        RowsMissingError: the rows of a file, and by how many they differ; every such file is named.
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
