"""Synthetic narratives: phrases about one product mixed with others, in the forms that consumers use.

The numbers below set the difficulty: as in the real database, about one complaint in ten cannot be classified by its
text.
"""

import random
import re
from collections.abc import Sequence

from laptop.sample.texts import CLOSINGS, FILLER, OPENINGS, PHRASES, SLOTS, VAGUE

# The products that consumers confuse with a product: for the second topic of a text, and for wrong labels.
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
# In a text of two topics: the percentage of product sentences that are about the neighbour.
SECOND_TOPIC_PERCENT = 30
ON_TOPIC_PERCENT = 45
REPEATED_PERCENT = 3
MANY_LINES_PERCENT = 50

_CHOICE = re.compile(r"\[([^\]]*)\]|<(\w+)>")


class Narrator:
    """Generates narratives, some of which repeat an earlier one."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._written: list[tuple[str, str]] = []
        self._count = 0

    def narrative(self, label: str) -> str:
        """A narrative of 20 to 6,000 characters about a product of the class `label`."""
        self._count += 1
        if repeated := self._repeated(label):
            return repeated
        text = self._with_oddities(self._laid_out(self._sentences(label)))[:LONGEST].rstrip()
        self._written.append((label, text))
        return text

    def _repeated(self, label: str) -> str | None:
        """A form letter: an earlier text, every tenth time under another label; None for a new text."""
        if self._rng.randrange(100) >= REPEATED_PERCENT:
            return None
        elsewhere = self._rng.randrange(10) == 0
        earlier = [text for about, text in self._written if (about != label) == elsewhere]
        return self._rng.choice(earlier) if earlier else None

    def _sentences(self, label: str) -> list[str]:
        rng = self._rng
        if rng.randrange(100) < VAGUE_PERCENT:
            return [self._sentence(VAGUE), *(self._sentence(FILLER) for _ in range(rng.randrange(3)))]
        (shortest, longest, _), *_ = rng.choices(LENGTHS, weights=[weight for *_, weight in LENGTHS])
        room = rng.randint(shortest, longest)
        second = rng.choice(NEIGHBOURS[label]) if rng.randrange(100) < TWO_TOPICS_PERCENT else label
        sentences = [self._sentence(OPENINGS)] if room > 150 else []
        sentences.append(self._sentence(PHRASES[label]))
        while sum(map(len, sentences)) + len(sentences) < room - 60:
            sentences.append(self._sentence(self._next(label, second)))
        if room > 300 and rng.randrange(2):
            sentences.append(self._sentence(CLOSINGS))
        return sentences

    def _next(self, label: str, second: str) -> tuple[str, ...]:
        if self._rng.randrange(100) >= ON_TOPIC_PERCENT:
            return FILLER
        return PHRASES[second if self._rng.randrange(100) < SECOND_TOPIC_PERCENT else label]

    def _sentence(self, phrases: tuple[str, ...]) -> str:
        sentence = _CHOICE.sub(self._chosen, self._rng.choice(phrases))
        return sentence[0].upper() + sentence[1:]

    def _chosen(self, match: re.Match[str]) -> str:
        alternatives, slot = match.groups()
        if slot == "amount":
            return f"{{${self._rng.randrange(5, 9000)}.{self._rng.choice(('00', '00', '50', '99'))}}}"
        values: Sequence[str] = SLOTS[slot] if slot else alternatives.split("|")
        return self._rng.choice(values)

    def _laid_out(self, sentences: list[str]) -> str:
        """The sentences as one text; many texts span several lines, some with blank lines between."""
        if self._rng.randrange(100) >= MANY_LINES_PERCENT:
            return " ".join(sentences)
        gap = self._rng.choice(("\n", "\n\n", "\n\n\n", "\n- "))
        text = sentences[0]
        for sentence in sentences[1:]:
            text += (gap if self._rng.randrange(3) == 0 else " ") + sentence
        return text

    def _with_oddities(self, text: str) -> str:
        """The text with a feature that breaks readers: in turn, not at random, so that every sample has each."""
        turn = self._count % 80
        if turn == 11:
            return f"- {text}"
        if turn == 22:
            return f"={text}"
        if turn == 33:  # U+2028 ends a line for str.splitlines, but not in CSV.
            return text.replace(" ", "\u2028", 1)
        return text.replace("'", "\u2019").replace(' "', " \u201c") if turn % 10 == 4 else text
