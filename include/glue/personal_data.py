"""Personal data that the publisher overlooked, masked before anything is classified or learned from.

A tripwire, no anonymisation: the CFPB has removed names, numbers and addresses before it publishes a narrative, and
what is found here means that something went wrong there. It knows four patterns of the United States and no names. What
stands in quarantine is raw text as it came, and is not masked.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from arrow_arrays import Mask, mask, replaced

MASK = "XXXX"

# Repetitions are bounded, so that no text, however hostile, costs more than its length times a constant.
_PATTERNS = {
    "email": re.compile(
        r"[a-z0-9_.%+-]{1,64}+@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])", re.ASCII | re.IGNORECASE
    ),
    # Area 000, 666 and 900 to 999, group 00 and serial 0000 are never given out (ssa.gov/employer/randomization.html).
    "ssn": re.compile(r"(?<![\w-])(?!000|666)[0-8]\d{2}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])", re.ASCII),
    # Without a separator ten digits are an account's number as often as a telephone's, and are left alone.
    "phone": re.compile(r"(?:\([2-9]\d{2}\) ?|(?<!\w)[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}(?![\w-])", re.ASCII),
}
_CARD = re.compile(r"(?<![\w-])(?<!\d[ ])\d(?:[ -]?\d){12,15}(?![\w-])(?![ ]\d)", re.ASCII)
KINDS = (*_PATTERNS, "card")
# What a text must have for any of them, and one in a hundred has. RE2, which Arrow uses, takes linear time.
_SUSPECT = (
    "@|[0-8][0-9]{2}[- ][0-9]{2}[- ][0-9]{4}|[2-9][0-9]{2}[-. )] ?[2-9][0-9]{2}[-. ][0-9]{4}|[0-9](?:[ -]?[0-9]){12}"
)


class Masked(NamedTuple):
    """Texts with `XXXX` in place of personal data, and of each text (row) which of `KINDS` (column) were found."""

    texts: pa.Array
    kinds: Mask


def masked(column: pa.Array) -> Masked:
    """The texts of a column, masked; a null text stays null."""
    kinds = np.zeros((len(column), len(KINDS)), np.bool_)
    changed: dict[int, str] = {}
    for place in np.flatnonzero(mask(pc.match_substring_regex(column, _SUSPECT))).tolist():
        text = column[place].as_py()
        found = kinds_in(text)
        if any(found):
            kinds[place], changed[place] = found, _hidden(text)
    return Masked(replaced(column, changed), kinds)


def kinds_in(text: str) -> list[bool]:
    """For each of `KINDS`, whether it occurs in a text."""
    patterns = [bool(pattern.search(text)) for pattern in _PATTERNS.values()]
    return [*patterns, any(_has_check_digit(found[0]) for found in _CARD.finditer(text))]


def _hidden(text: str) -> str:
    text = _CARD.sub(lambda found: MASK if _has_check_digit(found[0]) else found[0], text)
    for pattern in _PATTERNS.values():
        text = pattern.sub(MASK, text)
    return text


def _has_check_digit(number: str) -> bool:
    """Luhn's formula (ISO/IEC 7812-1): every second digit from the right is doubled, and the digits' sum ends in 0."""
    digits = [int(each) for each in reversed(number) if each.isdecimal()]
    return (sum(digits[::2]) + sum(each * 2 % 10 + each // 5 for each in digits[1::2])) % 10 == 0
