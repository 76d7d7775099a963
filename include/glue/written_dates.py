"""Reads dates in the ways that people and spreadsheets write them.

Of numbers with slashes or hyphens, the one above 12 is the day. Where the day could be the month as well, as in
3/5/2024, the date is ambiguous, and not read: one that is guessed cannot be told from one that was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from arrow_arrays import Mask, days, values

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_END = r"(?:[T ,Z].*)?(?:\r\n|[\r\n])?\Z"  # behind the date a time may follow, and a line end
_YEAR = r"([0-9]{4}|[0-9]{2})"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_END}")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})\Z")
_NUMERIC = re.compile(rf"([0-9]{{1,2}})[-/]([0-9]{{1,2}})[-/]{_YEAR}{_END}")
_DOTTED = re.compile(rf"([0-9]{{1,2}})\.([0-9]{{1,2}})\.{_YEAR}{_END}")
_DAY_MONTH = re.compile(rf"([0-9]{{1,2}})[- ]([A-Za-z]{{3}})[a-z]*\.?[-, ]+{_YEAR}{_END}")
_MONTH_DAY = re.compile(rf"(?:[A-Za-z]{{3,9}},? )?([A-Za-z]{{3}})[a-z]*\.? ([0-9]{{1,2}}),? {_YEAR}{_END}")
# Days since 1899-12-30, as Excel counts them: from 2000 to 2099.
_SERIAL = re.compile(r"(3[6-9][0-9]{3}|[4-6][0-9]{4}|7[0-2][0-9]{3})(?:\.[0-9]+)?\Z")
_SECONDS, _MILLISECONDS = re.compile(r"([0-9]{10})(?:\.[0-9]+)?\Z"), re.compile(r"([0-9]{10})[0-9]{3}\Z")
_EPOCH, _EXCEL = date(1970, 1, 1).toordinal(), date(1899, 12, 30).toordinal()
_SECONDS_A_DAY = 86_400
# Distinct texts, and the characters of each, that are remembered from one table to the next.
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 20_000, 40


class _Date(NamedTuple):
    """What a text is: a day since 1970-01-01, no date, or one that could be two days."""

    day: int | None
    unreadable: bool
    ambiguous: bool


class Dates(NamedTuple):
    """The dates of a column: `read` (date32, null where there is none), and which texts are no date, or ambiguous."""

    read: pa.Array
    unreadable: Mask
    ambiguous: Mask


def dates_in(column: pa.Array) -> Dates:
    """The dates that a column of texts holds. Each distinct text is read once: millions of rows share some days."""
    encoded = column.dictionary_encode()
    written = (text.strip(" ") for text in encoded.dictionary.to_pylist())
    found = [_remembered(text) if len(text) <= _LONGEST_REMEMBERED else _date_in(text) for text in written]
    unreadable, ambiguous = [each.unreadable for each in found], [each.ambiguous for each in found]
    return Dates(
        days([each.day for each in found]).take(encoded.indices), _rows(unreadable, encoded), _rows(ambiguous, encoded)
    )


def _date_in(text: str) -> _Date:
    if is_ambiguous(text):
        return _Date(None, False, True)
    day = day_of(text)
    return _Date(day, bool(text) and day is None, False)


# For the tables that come: a file's ranges have the same days.
_remembered = lru_cache(maxsize=_MOST_REMEMBERED)(_date_in)


def day_of(text: str) -> int | None:
    """The date as days since 1970-01-01, in UTC; None where it cannot be read. A time behind it is ignored."""
    for way, day in _WAYS:
        if (found := way.match(text)) and (read := day(found.groups())) is not None:
            return read
    return None


def is_ambiguous(text: str) -> bool:
    """True for a date whose day could be its month as well, such as 3/5/2024."""
    found = _NUMERIC.match(text)
    if not found:
        return False
    first, second = int(found[1]), int(found[2])
    return 1 <= first <= 12 and 1 <= second <= 12 and first != second


def _numeric(found: tuple[str, ...]) -> int | None:
    first, second, year = found
    month_first = _day(year, first, second)
    return _day(year, second, first) if month_first is None else month_first


def _day(year: str, month: str, day: str) -> int | None:
    name = month.lower()
    number = int(month) if month[0].isdecimal() else _MONTHS.index(name) + 1 if name in _MONTHS else 0
    try:
        return date(int(year) if len(year) == 4 else 2000 + int(year), number, int(day)).toordinal() - _EPOCH
    except ValueError:
        return None


_WAYS: tuple[tuple[re.Pattern[str], Callable[[tuple[str, ...]], int | None]], ...] = (
    (_YEAR_FIRST, lambda found: _day(found[0], found[1], found[2])),
    (_COMPACT, lambda found: _day(found[0], found[1], found[2])),
    (_NUMERIC, _numeric),
    (_DOTTED, lambda found: _day(found[2], found[1], found[0])),
    (_DAY_MONTH, lambda found: _day(found[2], found[1], found[0])),
    (_MONTH_DAY, lambda found: _day(found[2], found[0], found[1])),
    (_SERIAL, lambda found: _EXCEL - _EPOCH + int(found[0])),
    (_SECONDS, lambda found: int(found[0]) // _SECONDS_A_DAY),
    (_MILLISECONDS, lambda found: int(found[0]) // _SECONDS_A_DAY),
)


def _rows(of_texts: list[bool], encoded: pa.DictionaryArray) -> Mask:
    """A condition on texts as one on the rows that hold them; False for null."""
    found: Mask = np.array([*of_texts, False])[values(encoded.indices, where_null=len(of_texts))]
    return found
