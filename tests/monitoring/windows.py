"""Held-out complaints and windows of them, made up, with a baseline: no model is trained."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
from assessment import Window
from baseline import Baseline, Scored, baseline_document, load
from delayed_accuracy import counted

CLASSES = ["card", "mortgage", "student_loan"]
WORDS = {
    "card": ["card", "fee", "charge", "limit", "balance"],
    "mortgage": ["escrow", "mortgage", "house", "appraisal", "closing"],
    "student_loan": ["college", "loan", "degree", "servicer", "forbearance"],
}
COMMON = ["the", "and", "my", "that", "bank", "called", "wrote", "again", "payment", "account"]
VOCABULARY = {*COMMON, *(word for words in WORDS.values() for word in words)}


def complaints(size: int, seed: int, mix: tuple[float, ...] = (0.5, 0.3, 0.2)) -> tuple[Scored, list[str]]:
    """Scored complaints and their labels: the confidence is the chance that the answer is right."""
    random = np.random.default_rng(seed)
    labels = [CLASSES[each] for each in random.choice(3, size, p=mix)]
    confidence = random.beta(6, 1.5, size)
    texts, answers = [], []
    for label, sure in zip(labels, confidence, strict=True):
        words = [
            *random.choice(COMMON, 25),
            *random.choice(WORDS[label], 8),
            *["XXXX"] * random.integers(0, 4),
            *["zebra"] * random.integers(0, 3),
            *random.choice(COMMON, 9),
        ]
        texts.append(" ".join(words[: random.integers(25, 46)]))
        other = CLASSES[(CLASSES.index(label) + 1) % 3]
        answers.append(label if random.random() < sure else other)
    return Scored(texts, answers, confidence), labels


@cache
def document() -> dict[str, Any]:
    """The baseline of a thousand complaints."""
    scored, labels = complaints(1_000, 1)
    return baseline_document(scored, labels, VOCABULARY, CLASSES, model_sha256="a-model", level=0.01)


def baseline() -> Baseline:
    return load(document(), "a-model")


def window(scored: Scored, labels: list[str | None], products: list[str | None] | None = None) -> Window:
    """A window whose labels came with it."""
    pairs = [(label, answer) for label, answer in zip(labels, scored.predicted, strict=True) if label]
    cells = counted([label for label, _ in pairs], [answer for _, answer in pairs])
    known = np.full(len(labels), 9, np.int64)
    return Window(scored, known, products or [None] * len(labels), labels, cells, Counter())
