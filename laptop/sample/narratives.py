"""Synthetic narratives: phrases of one product amid those of others, in the shapes that consumers write.

The numbers below are what makes the sample hard: about one complaint in ten cannot be told from its text,
as in the real database.
"""

import random
import re
from collections.abc import Sequence

from laptop.sample.texts import CLOSINGS, FILLER, OPENINGS, PHRASES, SLOTS, VAGUE

# What a consumer confuses a product with: both the second topic of a story and the wrong choice in the form.
NEIGHBOURS = {
    "credit_reporting": ("debt_collection", "card", "student_loan"),
    "debt_collection": ("credit_reporting", "payday_personal_loan", "card"),
    "mortgage": ("bank_account", "credit_reporting"),
    "card": ("bank_account", "credit_reporting", "debt_collection"),
    "bank_account": ("card", "money_transfer"),
    "student_loan": ("debt_collection", "credit_reporting"),
    "vehicle_loan": ("payday_personal_loan", "credit_reporting"),
    "money_transfer": ("bank_account", "card"),
    "payday_personal_loan": ("debt_collection", "bank_account"),
}

LONGEST = 6000
# (shortest, longest, weight) in characters. Integers only: logarithms differ from one libm to the next.
LENGTHS = (
    (20, 150, 8),
    (150, 400, 22),
    (400, 700, 28),
    (700, 1300, 26),
    (1300, 3000, 13),
    (3000, LONGEST, 3),
)

VAGUE_PERCENT = 5
TWO_TOPICS_PERCENT = 18
# In a story of two topics, of 100 sentences that name a product, so many are about the neighbour.
SECOND_TOPIC_PERCENT = 30
ON_TOPIC_PERCENT = 45
REPEATED_PERCENT = 3
MANY_LINES_PERCENT = 50

_CHOICE = re.compile(r"\[([^\]]*)\]|<(\w+)>")


class Narrator:
    """Tells one story after another, and now and then one that was told before."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._told: list[tuple[str, str]] = []
        self._count = 0

    def tell(self, label: str) -> str:
        """A narrative of 20 to 6,000 characters by someone who complains about this class."""
        self._count += 1
        if repeated := self._repeated(label):
            return repeated
        story = self._odd(self._laid_out(self._sentences(label)))[:LONGEST].rstrip()
        self._told.append((label, story))
        return story

    def _repeated(self, label: str) -> str | None:
        """A form letter: the same text again, every tenth time by someone who chose another product."""
        if self._rng.randrange(100) >= REPEATED_PERCENT:
            return None
        elsewhere = self._rng.randrange(10) == 0
        told = [story for about, story in self._told if (about != label) == elsewhere]
        return self._rng.choice(told) if told else None

    def _sentences(self, label: str) -> list[str]:
        rng = self._rng
        if rng.randrange(100) < VAGUE_PERCENT:
            return [self._say(VAGUE), *(self._say(FILLER) for _ in range(rng.randrange(3)))]
        (shortest, longest, _), *_ = rng.choices(LENGTHS, weights=[weight for *_, weight in LENGTHS])
        room = rng.randint(shortest, longest)
        second = rng.choice(NEIGHBOURS[label]) if rng.randrange(100) < TWO_TOPICS_PERCENT else label
        sentences = [self._say(OPENINGS)] if room > 150 else []
        sentences.append(self._say(PHRASES[label]))
        while sum(map(len, sentences)) + len(sentences) < room - 60:
            sentences.append(self._say(self._next(label, second)))
        if room > 300 and rng.randrange(2):
            sentences.append(self._say(CLOSINGS))
        return sentences

    def _next(self, label: str, second: str) -> tuple[str, ...]:
        if self._rng.randrange(100) >= ON_TOPIC_PERCENT:
            return FILLER
        return PHRASES[second if self._rng.randrange(100) < SECOND_TOPIC_PERCENT else label]

    def _say(self, phrases: tuple[str, ...]) -> str:
        said = _CHOICE.sub(self._chosen, self._rng.choice(phrases))
        return said[0].upper() + said[1:]

    def _chosen(self, match: re.Match[str]) -> str:
        alternatives, slot = match.groups()
        if slot == "amount":
            return f"{{${self._rng.randrange(5, 9000)}.{self._rng.choice(('00', '00', '50', '99'))}}}"
        values: Sequence[str] = SLOTS[slot] if slot else alternatives.split("|")
        return self._rng.choice(values)

    def _laid_out(self, sentences: list[str]) -> str:
        """Two fifths of the stories span several lines, half of those with blank lines inside."""
        if self._rng.randrange(100) >= MANY_LINES_PERCENT:
            return " ".join(sentences)
        gap = self._rng.choice(("\n", "\n\n", "\n\n\n", "\n- "))
        story = sentences[0]
        for sentence in sentences[1:]:
            story += (gap if self._rng.randrange(3) == 0 else " ") + sentence
        return story

    def _odd(self, story: str) -> str:
        """Shapes that trip readers, in turn instead of by chance, so that no sample is without them."""
        turn = self._count % 80
        if turn == 11:
            return f"- {story}"
        if turn == 22:
            return f"={story}"
        if turn == 33:  # U+2028 ends a line for str.splitlines, not for CSV.
            return story.replace(" ", "\u2028", 1)
        return story.replace("'", "\u2019").replace(' "', " \u201c") if turn % 10 == 4 else story
