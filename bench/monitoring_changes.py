"""Changes of complaints that monitoring is tried on: each makes a window of another kind out of sound complaints."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench.labelled_narratives import shortened

Places = npt.NDArray[np.intp]
_SPANISH = ("el", "la", "de", "que", "por", "con", "una", "mi", "cuenta", "banco", "tarjeta", "pago", "deuda", "nunca")
_COPIES = 40
_CUT = 100  # characters


class Complaint(NamedTuple):
    """A labelled complaint: its text, class, product name, company, and whether it is of the export kept back."""

    narrative: str
    label: str
    product: str
    company: str
    late: bool


@dataclass(frozen=True)
class Change:
    """One kind of change: which complaints are drawn, and what happens to them.

    `weight` is how often a complaint is drawn, beside others; `late` draws from the export that was kept back.
    """

    name: str
    expected: str
    weight: Callable[[Complaint], float] = lambda _: 1.0
    alter: Callable[[Complaint, np.random.Generator], Complaint] = lambda complaint, _: complaint
    late: bool = False
    copies: int = 1
    is_covariate: bool = True  # complaints change, and how labels follow from them does not

    def window(self, pool: Sequence[Complaint], size: int, random: np.random.Generator) -> list[Complaint]:
        """A window of at most `size` complaints, drawn without replacement."""
        weights = np.array([self.weight(each) for each in pool])
        few = min(size // self.copies, int((weights > 0).sum()))
        places = random.choice(len(pool), few, replace=False, p=weights / weights.sum())
        return [self.alter(pool[place], random) for place in np.repeat(places, self.copies).tolist()]


def _of(label: str, times: float) -> Callable[[Complaint], float]:
    return lambda complaint: times if complaint.label in label.split() else 1.0


def _text(alter: Callable[[str, np.random.Generator], str]) -> Callable[[Complaint, np.random.Generator], Complaint]:
    return lambda complaint, random: complaint._replace(narrative=alter(complaint.narrative, random))


def _spanish(share: float) -> Callable[[str, np.random.Generator], str]:
    def alter(text: str, random: np.random.Generator) -> str:
        words = text.split(" ")
        swapped = random.random(len(words)) < share
        return " ".join(
            _SPANISH[random.integers(len(_SPANISH))] if swap else word
            for word, swap in zip(words, swapped, strict=True)
        )

    return alter


def _swapped(share: float) -> Callable[[Complaint, np.random.Generator], Complaint]:
    other = {"mortgage": "debt_collection", "debt_collection": "mortgage"}

    def alter(complaint: Complaint, random: np.random.Generator) -> Complaint:
        swap = complaint.label in other and random.random() < share
        return complaint._replace(label=other[complaint.label]) if swap else complaint

    return alter


def _new_product(complaint: Complaint, random: np.random.Generator) -> Complaint:
    return complaint._replace(label="unmapped", product="Buy now, pay later") if random.random() < 0.03 else complaint


CHANGES: tuple[Change, ...] = (
    Change("none", "keep"),
    Change("prior shift, mortgage x 4", "evaluate", weight=_of("mortgage", 4)),
    Change("prior shift, card and bank x 4", "evaluate", weight=_of("card bank_account", 4)),
    Change("era: an export kept back", "evaluate", late=True),
    Change("Spanish words, 3 %", "evaluate", alter=_text(_spanish(0.03))),
    Change("Spanish words, 10 %", "evaluate", alter=_text(_spanish(0.10))),
    Change("redaction marks removed", "evaluate", alter=_text(lambda text, _: re.sub("X{2,}", "", text))),
    Change("company surge x 8", "keep", weight=lambda each: 8.0 if each.company else 1.0),
    Change("mojibake", "stop", alter=_text(lambda text, _: text.replace("e", "Ã©").replace("'", "â€™"))),
    Change("cut at 100 characters", "stop", alter=_text(lambda text, _: text[:_CUT])),
    Change("stripped text", "stop", alter=_text(lambda text, _: shortened(text))),
    Change("10 texts, 40 copies each", "stop", copies=_COPIES),
    Change("new product, 3 %", "person", alter=_new_product),
    Change("label swap", "retrain", alter=_swapped(1.0), is_covariate=False),
    Change("label swap, one in two", "retrain", alter=_swapped(0.5), is_covariate=False),
    Change("label swap, one in four", "retrain", alter=_swapped(0.25), is_covariate=False),
)


def surge_of(company: str) -> tuple[Change, ...]:
    """The changes, with the surge being one of this company."""
    return tuple(
        replace(each, weight=lambda complaint: 8.0 if complaint.company == company else 1.0)
        if each.name.startswith("company")
        else each
        for each in CHANGES
    )
