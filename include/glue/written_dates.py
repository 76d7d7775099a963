"""Reads dates in the ways that people and spreadsheets write them, as Spark SQL expressions.

Of numbers with slashes or hyphens, the one above 12 is the day. Where the day could be the month as well, as in
3/5/2024, the date is ambiguous, and not read: one that is guessed cannot be told from one that was read.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_END = r"(?:$|[T ,Z].*$)"  # behind the date a time may follow
_YEAR = r"([0-9]{4}|[0-9]{2})"
_YEAR_FIRST = rf"^([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_END}"
_COMPACT = r"^((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})$"
_NUMERIC = rf"^([0-9]{{1,2}})[-/]([0-9]{{1,2}})[-/]{_YEAR}{_END}"
_DOTTED = rf"^([0-9]{{1,2}})\.([0-9]{{1,2}})\.{_YEAR}{_END}"
_DAY_MONTH = rf"^([0-9]{{1,2}})[- ]([A-Za-z]{{3}})[a-z]*\.?[-, ]+{_YEAR}{_END}"
_MONTH_DAY = rf"^(?:[A-Za-z]{{3,9}},? )?([A-Za-z]{{3}})[a-z]*\.? ([0-9]{{1,2}}),? {_YEAR}{_END}"
# Days since 1899-12-30, as Excel counts them: from 2000 to 2099.
_SERIAL = r"^(3[6-9][0-9]{3}|[4-6][0-9]{4}|7[0-2][0-9]{3})(?:\.[0-9]+)?$"
_SECONDS, _MILLISECONDS = r"^([0-9]{10})(?:\.[0-9]+)?$", r"^([0-9]{10})[0-9]{3}$"


def date_of(text: Column) -> Column:
    """The date; null where it is ambiguous or cannot be read. A time behind it and its time zone are ignored."""
    written = F.trim(text)
    month_or_day_first = (_date(written, _NUMERIC, each) for each in ((3, 1, 2), (3, 2, 1)))
    # The first way is nearly always right, and `coalesce` goes no further then.
    return F.coalesce(
        F.to_date(F.substring_index(F.substring_index(written, "T", 1), " ", 1), "yyyy-M-d"),
        F.when(written.rlike(_YEAR_FIRST), _date(written, _YEAR_FIRST, (1, 2, 3))),
        F.when(written.rlike(_COMPACT), _date(written, _COMPACT, (1, 2, 3))),
        F.when(written.rlike(_NUMERIC) & ~is_ambiguous(text), F.coalesce(*month_or_day_first)),
        F.when(written.rlike(_DOTTED), _date(written, _DOTTED, (3, 2, 1))),
        F.when(written.rlike(_DAY_MONTH), _date(written, _DAY_MONTH, (3, 2, 1))),
        F.when(written.rlike(_MONTH_DAY), _date(written, _MONTH_DAY, (3, 1, 2))),
        F.when(written.rlike(_SERIAL), F.date_add(F.lit("1899-12-30"), _group(written, _SERIAL, 1).cast("int"))),
        *(F.when(written.rlike(each), _day_of(_group(written, each, 1))) for each in (_SECONDS, _MILLISECONDS)),
    )


def is_ambiguous(text: Column) -> Column:
    """True for a date whose day could be its month as well, such as 3/5/2024."""
    written = F.trim(text)
    first, second = (_group(written, _NUMERIC, place).cast("int") for place in (1, 2))
    return written.rlike(_NUMERIC) & first.between(1, 12) & second.between(1, 12) & (first != second)


def _date(written: Column, pattern: str, places: tuple[int, int, int]) -> Column:
    year, month, day = (_group(written, pattern, place) for place in places)
    full_year = F.when(F.length(year) == 2, F.concat(F.lit("20"), year)).otherwise(year)
    names = F.create_map(*(F.lit(each) for number, name in enumerate(_MONTHS, start=1) for each in (name, str(number))))
    number = F.when(month.rlike("^[0-9]"), month).otherwise(names[F.lower(month)])
    return F.make_date(full_year.cast("int"), number.cast("int"), day.cast("int"))


def _group(written: Column, pattern: str, place: int) -> Column:
    return F.regexp_extract(written, pattern, place)


def _day_of(seconds: Column) -> Column:
    """The day in UTC, whatever the session's time zone is."""
    return F.date_add(F.lit("1970-01-01"), F.floor(seconds.cast("long") / 86_400).cast("int"))
