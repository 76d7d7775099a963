"""Whether the rows that went into a run are all accounted for, and how that is said.

>>> account = RowAccount(10, {"classified": 6, "without_narrative": 3})
>>> account.sentence()
'rows in 10 != 6 classified + 3 without narrative'
>>> account.verdict()
'does not add up: 1 row missing'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laptop.report.formatting import part, plain, rows


@dataclass(frozen=True)
class RowAccount:
    """Rows in, and what became of them: each row has exactly one fate."""

    rows_in: int
    fates: Mapping[str, int]

    @property
    def missing(self) -> int:
        """Rows without a fate; negative when some were counted twice."""
        return self.rows_in - sum(self.fates.values())

    @property
    def adds_up(self) -> bool:
        """Whether every row has exactly one fate, computed here and believed from nobody."""
        return self.missing == 0

    def verdict(self) -> str:
        """``adds up``, or by how many rows it does not."""
        if self.adds_up:
            return "adds up"
        if self.missing > 0:
            return f"does not add up: {rows(self.missing)} missing"
        return f"does not add up: {rows(-self.missing)} too many"

    def terms(self) -> list[str]:
        """The sum, term by term, the rows in first."""
        fates = [f"{number:,} {plain(name)}" for name, number in self.fates.items()] or ["0"]
        sign = "=" if self.adds_up else "!="
        return [f"rows in {self.rows_in:,} {sign} {fates[0]}", *(f"+ {fate}" for fate in fates[1:])]

    def sentence(self) -> str:
        """The sum, as one line of arithmetic."""
        return " ".join(self.terms())


def account_of(section: Mapping[str, Any]) -> RowAccount | None:
    """The account of a ``training`` or ``classification`` section; None where it read nothing."""
    if section.get("rows_in") is None:
        return None
    return RowAccount(section["rows_in"], dict(part(section, "account")))


def accounts_by_source(section: Mapping[str, Any]) -> list[tuple[str, RowAccount]]:
    """The account of each file that was read, over the same fates as the account of them all."""
    fates = part(section, "account")
    return [
        (source["source"], RowAccount(source["rows_in"], {fate: source.get(fate, 0) for fate in fates}))
        for source in section.get("by_source") or []
    ]
