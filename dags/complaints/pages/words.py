"""The texts of the pages in English and Spanish, and numbers as each language writes them.

>>> say = Words("es")
>>> say("Runs"), say.count(1525), say.score(0.8612)
('Ejecuciones', '1.525', '0,861')
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from complaints.pages import formatting

LANGUAGES = {"en": "English", "es": "Español"}
_MARKS = str.maketrans(",.", ".,")


class Words:
    """The words of one language; a text without a translation stays English."""

    def __init__(self, language: str = "en") -> None:
        self.language = language if language in LANGUAGES else "en"
        self._texts = spanish() if self.language == "es" else {}

    def __call__(self, text: str, **values: object) -> str:
        """The text, with `values` in the place of its `{names}`."""
        found = self._texts.get(text, text)
        return found.format(**values) if values else found

    def count(self, number: int | None) -> str:
        """A number of rows."""
        return self._number(formatting.count(number))

    def score(self, value: float | None) -> str:
        """A score between 0 and 1; a dash where there is none."""
        return self._number(formatting.score(value))

    def distance(self, value: float) -> str:
        """A distance between two distributions."""
        return self._number(f"{value:.4f}")

    def percent(self, part: float, whole: float) -> str:
        """A share as a percentage."""
        return self._number(formatting.percent(part, whole))

    def seconds(self, value: float | None) -> str:
        """A duration in seconds."""
        return self._number(formatting.seconds(value))

    def time(self, instant: str | None) -> str:
        """A time in ISO 8601 and UTC to the minute; a dash where there is none.

        >>> Words().time("2026-11-28T10:07:44+00:00")
        '2026-11-28 10:07 UTC'
        """
        return f"{instant[:10]} {instant[11:16]} UTC" if instant else formatting.NOT_KNOWN

    def _number(self, written: str) -> str:
        return written.translate(_MARKS) if self.language == "es" else written


def preferred(accepted: str) -> str:
    """The language for the header Accept-Language: of those that the pages have, the one that the browser names first.

    >>> preferred("es-MX,es;q=0.9,en;q=0.8"), preferred("de"), preferred("")
    ('es', 'en', 'en')
    """
    named = (each.split(";")[0].strip()[:2].lower() for each in accepted.split(","))
    return next((each for each in named if each in LANGUAGES), "en")


@cache
def spanish() -> dict[str, str]:
    """The texts in Spanish, by their English."""
    texts: dict[str, str] = json.loads(Path(__file__).with_name("spanish.json").read_text(encoding="utf-8"))
    return texts


ENGLISH = Words()
