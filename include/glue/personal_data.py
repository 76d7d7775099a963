"""Personal data that the publisher overlooked, masked before anything is classified or learned from.

A tripwire, no anonymisation: the CFPB has removed names, numbers and addresses before it publishes a narrative, and
what is found here means that something went wrong there. It knows four patterns of the United States and no names. What
stands in quarantine is raw text as it came, and is not masked.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

MASK = "XXXX"

# Repetitions are bounded, so that no text, however hostile, costs more than its length times a constant. Each begins
# with what a text seldom has, and only then looks behind it: the other way round takes five times as long.
_PATTERNS = {
    "email": r"(?i)[a-z0-9_.%+-]{1,64}+@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])",
    # Area 000, 666 and 900 to 999, group 00 and serial 0000 are never given out (ssa.gov/employer/randomization.html).
    "ssn": r"[0-8](?<![\w-].)(?<!0(?=00)|6(?=66))\d{2}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])",
    # Without a separator ten digits are an account's number as often as a telephone's, and are left alone.
    "phone": r"[(2-9](?:(?<=\()[2-9]\d{2}\) ?|(?<!\(|\w.)\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}(?![\w-])",
}
_CARD = r"\d(?<![\w-].)(?<!\d[ ].)(?:[ -]?\d){12,15}(?![\w-])(?![ ]\d)"
KINDS = (*_PATTERNS, "card")


def masked(text: Column, kinds: Column) -> Column:
    """`text` with `XXXX` in place of each of the `kinds` of personal data that `kinds_in` found in it."""
    hidden = _without_cards(text)
    for pattern in _PATTERNS.values():
        hidden = F.regexp_replace(hidden, pattern, MASK)
    return F.when(F.size(kinds) > 0, hidden).otherwise(text)


def kinds_in(text: Column) -> Column:
    """The `KINDS` of personal data in a text, as an array in their order; empty for none, and for a null text."""
    found = {name: text.rlike(pattern) for name, pattern in _PATTERNS.items()} | {"card": F.size(_cards(text)) > 0}
    found["email"] = F.contains(text, F.lit("@")) & found["email"]
    return F.array_compact(F.array(*(F.when(found[kind], F.lit(kind)) for kind in KINDS)))


def _cards(text: Column) -> Column:
    """The numbers of 13 to 16 digits that carry a payment card's check digit; null for no text."""
    return F.filter(_numbers(text), _has_check_digit)


def _without_cards(text: Column) -> Column:
    """`text` with `XXXX` in place of each card's number. In one pass: a text may consist of thousands of them."""
    pieces = F.zip_with(
        F.split(text, _CARD),
        _numbers(text),
        lambda between, number: F.concat(
            between, F.when(_has_check_digit(number), MASK).otherwise(F.coalesce(number, F.lit("")))
        ),
    )
    return F.array_join(pieces, "")


def _numbers(text: Column) -> Column:
    """The numbers of 13 to 16 digits, as they are written."""
    return F.regexp_extract_all(text, F.lit(_CARD), F.lit(0))


def _has_check_digit(number: Column) -> Column:
    """Luhn's formula (ISO/IEC 7812-1): every second digit from the right is doubled, and the digits' sum ends in 0."""
    digits = F.reverse(F.split(F.regexp_replace(number, r"\D", ""), ""))
    doubled = F.transform(
        F.filter(digits, lambda digit: digit != ""),
        lambda digit, place: F.when(place % 2 == 0, digit.cast("int")).otherwise(
            (digit.cast("int") * 2) % 10 + F.floor(digit.cast("int") / 5).cast("int")
        ),
    )
    return F.aggregate(doubled, F.lit(0), lambda total, digit: total + digit) % 10 == 0
