"""Names the issue of a complaint as it is called now, and as the class that the model knows it by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from arrow_arrays import days, mask, numbered, numbers, texts
from pyspark.sql import Column
from pyspark.sql import functions as F

IssueRule = tuple[str, str, str | None]  # old name, new name, the last day that the rule counts for


def named_issue(rules: Sequence[IssueRule]) -> Column:
    """The column `issue`, or the name that it has now by the first rule of that name; null where a complaint has none.

    Needs the columns `issue` and `received_on`; the case of an old name does not count.
    """
    text = F.trim("issue")
    name = F.when(text != "", text)
    for old, new, until in reversed(rules):
        applies = F.lower(text) == old.lower()
        if until:
            applies &= F.col("received_on") <= F.lit(until).cast("date")
        name = F.when(F.coalesce(applies, F.lit(False)), new).otherwise(name)
    return name


def issue_classes(
    issues: pa.Array, received_on: pa.Array, rules: Sequence[IssueRule], classes: Sequence[str], other: str
) -> pa.Array:
    """The model's classes of complaints' issues, `other` of one that it does not know; null without an issue.

    Of Arrow arrays; an issue is called as `named_issue` calls it.
    """
    names, places = numbered(issues)
    written = [(name or "").strip(" ") for name in names]
    known = {name: place for place, name in enumerate([*classes, other])}

    def class_of(name: str) -> int:  # its place, and -1 without an issue
        return known.get(name, len(classes)) if name else -1

    found = np.array([*map(class_of, written)], np.int32)[places]
    for old, new, until in reversed(rules):
        applies = np.array([name.lower() == old.lower() for name in written])[places]
        if until:
            applies &= mask(pc.less_equal(received_on, days([_day(until)])[0]))
        found[applies] = class_of(new)
    return texts([*classes, other]).take(numbers(found, pa.int32(), found >= 0))


def _day(written: str) -> int:
    return (date.fromisoformat(written) - date(1970, 1, 1)).days
