"""Names the issue of a complaint as it is called now, and as the class that the model knows it by."""

from __future__ import annotations

from collections.abc import Sequence

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


def issue_class(rules: Sequence[IssueRule], classes: Sequence[str], other: str) -> Column:
    """The model's class of a complaint's issue, `other` of one that it does not know; null without an issue."""
    name = named_issue(rules)
    return F.when(name.isin([*classes]), name).when(name.isNotNull(), other)
