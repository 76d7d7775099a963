"""The row account of a run: rows in, against the rows with a known outcome.

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

from complaints.pages.formatting import part, plain, rows


@dataclass(frozen=True)
class RowAccount:
    """Rows in, and the number of rows by fate; each row has exactly one fate."""

    rows_in: int
    fates: Mapping[str, int]

    @property
    def missing(self) -> int:
        """The number of rows without a fate; negative if some were counted twice."""
        return self.rows_in - sum(self.fates.values())

    @property
    def adds_up(self) -> bool:
        """True if every row has exactly one fate; computed here, not taken from the manifest."""
        return self.missing == 0

    def verdict(self) -> str:
        """``adds up``, or the number of rows that are missing or too many."""
        if self.adds_up:
            return "adds up"
        if self.missing > 0:
            return f"does not add up: {rows(self.missing)} missing"
        return f"does not add up: {rows(-self.missing)} too many"

    def terms(self) -> list[str]:
        """The sum as a list of terms, rows in first."""
        fates = [f"{number:,} {plain(name)}" for name, number in self.fates.items()] or ["0"]
        sign = "=" if self.adds_up else "!="
        return [f"rows in {self.rows_in:,} {sign} {fates[0]}", *(f"+ {fate}" for fate in fates[1:])]

    def sentence(self) -> str:
        """The sum as one line."""
        return " ".join(self.terms())


def account_of(section: Mapping[str, Any]) -> RowAccount | None:
    """The account of a ``training`` or ``classification`` section; None if it read no rows."""
    if section.get("rows_in") is None:
        return None
    return RowAccount(section["rows_in"], dict(part(section, "account")))


def files_set_aside(section: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """Key, bytes and reason of each file of a section that was set aside, since it cannot be read to its end."""
    return [
        (each["source"].split("/", 3)[-1], each["size"], f"{each['reason']}{_behind(each['line'])}")
        for each in section.get("unreadable_files") or []
    ]


def _behind(line: int) -> str:
    return f" (behind line {line:,})" if line else ""


def accounts_by_source(section: Mapping[str, Any]) -> list[tuple[str, RowAccount]]:
    """The account of each source file, with the same fates as the account of all files."""
    fates = part(section, "account")
    return [
        (source["source"], RowAccount(source["rows_in"], {fate: source.get(fate, 0) for fate in fates}))
        for source in section.get("by_source") or []
    ]
