"""The narrative as it is classified and learned from, and what is odd about it."""

from __future__ import annotations

from personal_data import masked
from pyspark.sql import Column
from pyspark.sql import functions as F

# What a text has no use for: the C0 controls but tab, newline and carriage return. NUL never comes this far.
_CONTROLS = r"[\x01-\x08\x0b\x0c\x0e-\x1f]"
_SHORT = 100  # characters; the CFPB's shortest stubs say nothing that a class could be told by
# An English text of a hundred characters without one of these is hardly ever met, and one in another language with
# one of these hardly ever either.
_ENGLISH = r"(?i)\b(?:the|and|my|was|that|with|for|have|this|they|is|of|not|from)\b"


def prepared_narrative(narrative: Column) -> Column:
    """The narrative without control characters and with overlooked personal data masked."""
    return masked(_without_controls(narrative))


def flags_of_narrative(narrative: Column) -> dict[str, Column]:
    """Conditions by the name of their flag; null without a narrative."""
    told = F.length(F.trim(narrative))
    return {
        "control_characters": narrative.rlike(_CONTROLS),
        "short_narrative": told.between(1, _SHORT - 1),
        "not_english": (told >= _SHORT) & ~narrative.rlike(_ENGLISH),
    }


def _without_controls(narrative: Column) -> Column:
    return F.regexp_replace(narrative, _CONTROLS, "")
