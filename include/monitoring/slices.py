"""The metrics of a slice: a model's answers to complaints with a label, and how sure the numbers are.

Intervals hold with 95 % confidence. Complaints with the same narrative say the same thing several times, so they count
as fewer: Kish's effective number, `n² / Σ m²` over the groups of m equal narratives (Kish, 1965, *Survey Sampling*).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

BINS = 10
SEED = 13
DRAWS = 1_000
LEVEL = (2.5, 97.5)  # percentiles
_CALIBRATED_DRAWS = 200
_Z = 1.959964  # the same in standard deviations
# A month or a company with fewer complaints than this says nothing about itself.
LEAST = 30
_MOST_COMPANIES = 50

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Numbers = Floats | Counts
Flags = npt.NDArray[np.bool_]


class IssueAnswers(NamedTuple):
    """A model's answers to the second question: of each row the likeliest issues, likeliest first, and confidence."""

    likeliest: list[list[str]]
    confidences: Floats


class Answers(NamedTuple):
    """A model's answers: classes, confidences, and the probabilities (rows, classes) where the code gives them.

    `issues` is None where the model does not answer the second question.
    """

    products: list[str]
    confidences: Floats
    probabilities: npt.NDArray[np.float32] | None = None
    issues: IssueAnswers | None = None


class Rows(NamedTuple):
    """Complaints with a label, one entry each; `groups` are equal where narratives are, `issues` None if unknown."""

    complaint_ids: list[str]
    months: list[str]
    companies: list[str]
    labels: list[str]
    groups: list[bytes]
    issues: list[str | None]

    def those(self, chosen: Flags) -> Rows:
        """The rows for which `chosen` is true."""
        places = np.flatnonzero(chosen).tolist()
        members: list[Any] = [[each[place] for place in places] for each in self]
        return Rows(*members)

    def __add__(self, other: Any) -> Rows:
        """These rows, and then those of `other`."""
        members: list[Any] = [ours + theirs for ours, theirs in zip(self, other, strict=True)]
        return Rows(*members)


def slice_metrics(
    labels: Sequence[str],
    products: Sequence[str],
    confidences: Floats,
    classes: Sequence[str],
    groups: Sequence[object] = (),
) -> dict[str, Any]:
    """Accuracy, macro-F1, scores by class, confusion (rows true, columns predicted) and calibration, with intervals.

    Macro-F1 is over the classes that occur in the slice. `majority_accuracy` is what always answering the slice's
    most frequent class would reach. Without `groups`, every narrative counts as different.
    """
    names = sorted({*classes, *labels})
    number = {name: place for place, name in enumerate(names)}
    true, answered = (np.array([number[name] for name in given]) for given in (labels, products))
    confusion = np.bincount(true * len(names) + answered, minlength=len(names) ** 2).reshape(len(names), -1)
    total, share = len(labels), effective_number(groups) / len(groups) if len(groups) else 1.0
    draws = _resampled(confusion, max(1, round(total * share)))
    right = true == answered
    return {
        "n": total,
        "effective_n": round(total * share, 1),
        "accuracy": float(right.mean()),
        "macro_f1": float(_macro_f1(confusion[None])[0]),
        "intervals": {
            "accuracy": wilson(float(right.sum()), total, share),
            "macro_f1": _percentiles(_macro_f1(draws)),
        },
        "majority_accuracy": Counter(labels).most_common(1)[0][1] / total,
        **calibration(confidences, right),
        "per_class": _per_class(names, confusion, draws, share),
        "confusion": {"labels": names, "rows": confusion.tolist()},
    }


def effective_number(groups: Sequence[object]) -> float:
    """How many different narratives the complaints are worth, given which of them are equal."""
    sizes = np.array(list(Counter(groups).values()), dtype=np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def wilson(right: float, total: float, share: float = 1.0) -> list[float]:
    """The interval of a proportion (Wilson, 1927), of which `share` of the number counts."""
    n = total * share
    if not n:
        return [0.0, 1.0]
    p = right / total
    middle, spread = p + _Z**2 / (2 * n), _Z * np.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    low, high = ((middle + sign * spread) / (1 + _Z**2 / n) for sign in (-1, 1))
    return [float(max(0.0, low)), float(min(1.0, high))]


def _resampled(confusion: Counts, number: int) -> Counts:
    """Confusion matrices of as many complaints, drawn from those of the slice: (draws, true, predicted)."""
    chance = np.random.default_rng(SEED)
    cells = chance.multinomial(number, confusion.ravel() / confusion.sum(), size=DRAWS)
    return np.asarray(cells.reshape(DRAWS, *confusion.shape))


def f1_scores(right: Numbers, true: Numbers, answered: Numbers) -> Floats:
    """F1 by class: twice what is right, of what belongs to the class and what was answered with it."""
    return np.asarray(2 * right / np.maximum(true + answered, 1))


def macro_average(scores: Floats, true: Numbers) -> Floats:
    """The mean over the classes that occur, of (…, classes)."""
    occurs = true > 0
    return np.asarray((scores * occurs).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1))


def _f1(confusion: Counts) -> Floats:
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return f1_scores(right, confusion.sum(axis=-1), confusion.sum(axis=-2))


def _macro_f1(confusion: Counts) -> Floats:
    return macro_average(_f1(confusion), confusion.sum(axis=-1))


def _per_class(names: Sequence[str], confusion: Counts, draws: Counts, share: float) -> dict[str, Any]:
    right, true, answered = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    f1, f1_draws = _f1(confusion), _f1(draws)
    return {
        name: {
            "precision": float(right[place] / max(answered[place], 1)),
            "recall": float(right[place] / max(true[place], 1)),
            "f1": float(f1[place]),
            "support": int(true[place]),
            "intervals": {
                "precision": wilson(right[place], answered[place], share),
                "recall": wilson(right[place], true[place], share),
                "f1": _percentiles(f1_draws[:, place]),
            },
        }
        for place, name in enumerate(names)
    }


def _percentiles(values: Floats) -> list[float]:
    return [float(each) for each in np.percentile(values, LEVEL)]


def calibration(confidences: Floats, right: Flags) -> dict[str, Any]:
    """The calibration error, what a calibrated model has by chance (95th percentile), and both sides of each bin."""
    which = np.minimum((confidences * BINS).astype(int), BINS - 1)
    chance = np.random.default_rng(SEED)
    draws = (chance.random(len(confidences)) < confidences for _ in range(_CALIBRATED_DRAWS))
    by_chance = [expected_calibration_error(confidences, each) for each in draws]
    counts = np.bincount(which, minlength=BINS)
    stated, reached = (np.bincount(which, each, BINS) for each in (confidences, right.astype(float)))
    return {
        "expected_calibration_error": expected_calibration_error(confidences, right),
        "calibration": {
            "by_chance": float(np.percentile(by_chance, 95)),
            "bins": [
                {
                    "from": place / BINS,
                    "n": int(counts[place]),
                    "confidence": float(stated[place] / counts[place]),
                    "accuracy": float(reached[place] / counts[place]),
                }
                for place in np.flatnonzero(counts)
            ],
        },
    }


def expected_calibration_error(confidences: Floats, correct: Flags, bins: int = BINS) -> float:
    """The average distance between confidence and accuracy, in ten bins of equal width (Guo et al., 2017)."""
    which = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = np.bincount(which, confidences, bins) - np.bincount(which, correct.astype(float), bins)
    return float(np.abs(gaps).sum() / len(confidences))


def by_month_and_company(rows: Rows, right: Flags) -> dict[str, list[dict[str, Any]]]:
    """Accuracy by month, in order, and by company, the largest first; only of those with complaints enough."""
    months = _accuracies("month", rows.months, right)
    companies = sorted(_accuracies("company", rows.companies, right), key=lambda each: (-each["n"], each["company"]))
    return {"by_month": months, "by_company": companies[:_MOST_COMPANIES]}


def _accuracies(name: str, values: Sequence[str], right: Flags) -> list[dict[str, Any]]:
    totals = Counter(values)
    hits = Counter(value for value, hit in zip(values, right, strict=True) if hit)
    return [
        {name: value, "n": totals[value], "accuracy": hits[value] / totals[value]}
        | {"interval": wilson(hits[value], totals[value])}
        for value in sorted(totals)
        if value and totals[value] >= LEAST
    ]
