"""A challenger beside the model in service, on the same complaints: where they differ, and who is right.

Each complaint is one of the cells (label, the challenger's answer, the other's answer). Drawing complaints with
replacement is drawing counts of cells, so the paired bootstrap (Efron and Tibshirani, 1993) costs no more for a million
complaints than for a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from slices import DRAWS, LEVEL, SEED, effective_number, f1_scores, macro_average

Floats = npt.NDArray[np.float64]


class _Paired:
    """The counts by class of draws of complaints: (draws, classes)."""

    def __init__(self, cells: Floats, label: Floats, ours: Floats, theirs: Floats) -> None:
        self.support = cells @ label
        self.right = cells @ (label * ours), cells @ (label * theirs)
        self._answered = cells @ ours, cells @ theirs

    def accuracy_difference(self) -> Floats:
        ours, theirs = (right.sum(axis=1) for right in self.right)
        return np.asarray((ours - theirs) / self.support.sum(axis=1))

    def macro_f1_difference(self) -> Floats:
        ours, theirs = (
            macro_average(f1_scores(right, self.support, answered), self.support)
            for right, answered in zip(self.right, self._answered, strict=True)
        )
        return np.asarray(ours - theirs)

    def recall_difference(self) -> Floats:
        return np.asarray((self.right[0] - self.right[1]) / np.maximum(self.support, 1))


def compared(
    labels: Sequence[str], ours: Sequence[str], theirs: Sequence[str], groups: Sequence[object]
) -> dict[str, Any]:
    """Agreement and paired differences, challenger minus model in service, with 95 % intervals."""
    names = sorted({*labels, *ours, *theirs})
    number = {name: place for place, name in enumerate(names)}
    triples = np.array([[number[name] for name in each] for each in zip(labels, ours, theirs, strict=True)])
    cells, counts = np.unique(triples, axis=0, return_counts=True)
    label, our, their = (np.eye(len(names))[cells[:, place]] for place in range(3))
    n = max(1, round(effective_number(groups)))
    drawn = np.random.default_rng(SEED).multinomial(n, counts / counts.sum(), size=DRAWS).astype(np.float64)
    found, draws = _Paired(counts[None].astype(np.float64), label, our, their), _Paired(drawn, label, our, their)
    recalls, recall_draws = found.recall_difference()[0], draws.recall_difference()
    return {
        "n": len(labels),
        **_agreement(triples),
        "accuracy_difference": _interval(found.accuracy_difference()[0], draws.accuracy_difference()),
        "macro_f1_difference": _interval(found.macro_f1_difference()[0], draws.macro_f1_difference()),
        "per_class": {
            name: {
                "recall_difference": _interval(recalls[place], recall_draws[:, place]),
                "support": int(found.support[0, place]),
            }
            for place, name in enumerate(names)
            if found.support[0, place]
        },
    }


def _agreement(triples: npt.NDArray[np.int64]) -> dict[str, Any]:
    label, ours, theirs = triples.T
    differ = ours != theirs
    return {
        "agreement": float(1 - differ.mean()),
        "differ": int(differ.sum()),
        "challenger_right": int((differ & (ours == label)).sum()),
        "in_service_right": int((differ & (theirs == label)).sum()),
        "both_wrong": int((differ & (ours != label) & (theirs != label)).sum()),
    }


def _interval(estimate: float, draws: Floats) -> dict[str, float]:
    low, high = np.percentile(draws, LEVEL)
    return {"estimate": float(estimate), "low": float(low), "high": float(high)}
