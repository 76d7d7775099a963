"""Cleans narratives, and flags what is odd about them."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# What programs write for a value that is missing.
_NULL_WORDS = r"(?i)^\s*(?:nan|n/?a|#n/a|<na>|null|none|nil)\s*$"
# Characters that are removed: the C0 controls but tab, newline and carriage return. One range, and a look back at what
# is in it: a class of several ranges takes five times as long.
_CONTROLS = r"[\x00-\x1f](?<![\t\n\r])"
_SHORT = 100  # characters; the CFPB's shortest stubs say nothing about a class
# Nearly every English text of a hundred characters has one of these words, and hardly one in another language.
_ENGLISH = r"(?i)\b(?:the|and|my|was|that|with|for|have|this|they|is|of|not|from)\b"


def without_controls(narrative: Column) -> Column:
    """The narrative without control characters."""
    return F.regexp_replace(narrative, _CONTROLS, "")


def is_written(narrative: Column) -> Column:
    """True for a narrative that is more than white space, and no word for a missing value."""
    # (?U): what Unicode calls white space, a no-break space for instance, is no narrative either.
    return narrative.rlike(r"(?U)\S") & ~narrative.rlike(_NULL_WORDS)


def text_group(narrative: Column) -> Column:
    """The SHA-256 of the narrative without its case and white space; null without a narrative."""
    return F.sha2(F.trim(F.regexp_replace(F.lower(narrative), r"(?U)\s+", " ")), 256)


def flags_of_narrative(raw: Column, cleaned: Column) -> dict[str, Column]:
    """Conditions by the name of their flag. `raw` is the narrative as it was read, `cleaned` without controls."""
    length = F.length(F.trim(cleaned))
    return {
        "control_characters": F.length(raw) != F.length(cleaned),
        "short_narrative": length.between(1, _SHORT - 1),
        "not_english": (length >= _SHORT) & ~cleaned.rlike(_ENGLISH),
    }
