"""Numbers and names as text, for the page and the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NOT_KNOWN = "-"
TIME = {"start_up": "start-up", "work": "work", "orchestration": "orchestration"}


def count(number: int | None) -> str:
    """A number of rows, with thousands separators.

    >>> count(1234567)
    '1,234,567'
    """
    return NOT_KNOWN if number is None else f"{number:,}"


def rows(number: int) -> str:
    """A number of rows, with its noun.

    >>> rows(1), rows(2000)
    ('1 row', '2,000 rows')
    """
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def score(value: float | None) -> str:
    """A score between 0 and 1; a score of no rows (NaN or null) is a dash, not a zero.

    >>> score(0.91), score(None)
    ('0.910', '-')
    """
    return NOT_KNOWN if value is None or math.isnan(value) else f"{value:.3f}"


def seconds(value: float | None) -> str:
    """A duration in seconds.

    >>> seconds(1131.25)
    '1,131.2 s'
    """
    return NOT_KNOWN if value is None else f"{value:,.1f} s"


def time_sentence(split: Mapping[str, Any]) -> str:
    """The time of a run as a sum of its parts; ``!=`` if they do not add up.

    >>> time_sentence({"total": 9.0, "start_up": 2.0, "work": 4.0, "orchestration": 3.0})
    '9.0 s = 2.0 s start-up + 4.0 s work + 3.0 s orchestration'
    """
    total, sizes = split.get("total") or 0.0, {name: split.get(name) or 0.0 for name in TIME}
    # Each number is rounded to a tenth, so the sum may be off by a little more.
    sign = "=" if abs(total - sum(sizes.values())) < 0.15 else "!="
    return f"{seconds(total)} {sign} " + " + ".join(f"{seconds(sizes[name])} {word}" for name, word in TIME.items())


def percent(part: float, whole: float) -> str:
    """A share as a percentage; a share that would be rounded to zero is written as ``<0.1%``.

    >>> percent(1, 4), percent(1, 1_000_000), percent(0, 0)
    ('25.0%', '<0.1%', '-')
    """
    if not whole:
        return NOT_KNOWN
    share = 100 * part / whole
    return "<0.1%" if 0 < share < 0.05 else f"{share:,.1f}%"


def fitted(name: str, width: int) -> str:
    """A name, shortened to at most `width` columns.

    >>> fitted("prepare_complaints", 10)
    'prepare...'
    """
    return name if len(name) <= width else f"{name[: width - 3]}..."


def plain(name: str) -> str:
    """The name of a field with spaces for underscores.

    >>> plain("without_narrative")
    'without narrative'
    """
    return name.replace("_", " ")


def largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counts by size, equal ones by name, so that the same run always gives the same page."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def part(summary: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section of a summary; empty if it is absent or null."""
    found: Mapping[str, Any] = summary.get(name) or {}
    return found
