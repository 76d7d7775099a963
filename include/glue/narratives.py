"""The narrative as it is classified and learned from, and what is odd about it."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# What a text has no use for: the C0 controls but tab, newline and carriage return. One range, and a look back at what
# is in it: a class of several ranges takes five times as long.
_CONTROLS = r"[\x00-\x1f](?<![\t\n\r])"
_SHORT = 100  # characters; the CFPB's shortest stubs say nothing that a class could be told by
# An English text of a hundred characters without one of these is hardly ever met, and one in another language with
# one of these hardly ever either.
_ENGLISH = r"(?i)\b(?:the|and|my|was|that|with|for|have|this|they|is|of|not|from)\b"


def without_controls(narrative: Column) -> Column:
    """The narrative without control characters."""
    return F.regexp_replace(narrative, _CONTROLS, "")


def flags_of_narrative(raw: Column, cleaned: Column) -> dict[str, Column]:
    """Conditions by the name of their flag, of a narrative as it was read and without its control characters."""
    told = F.length(F.trim(cleaned))
    return {
        "control_characters": F.length(raw) != F.length(cleaned),
        "short_narrative": told.between(1, _SHORT - 1),
        "not_english": (told >= _SHORT) & ~cleaned.rlike(_ENGLISH),
    }
