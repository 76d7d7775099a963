"""The accuracy of published predictions, once a later export brings labels for them, with intervals.

The label is the product that the consumer chose, which is not the truth: some narratives are published under two
products. Its drop is measured against what the model reached on held-out complaints *of the same classes*: a window
with more complaints of a difficult class is less accurate although the model is as good as ever. Only complaints that
the model was not trained on count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# Complaints by label and answer.
Cells = Counter[tuple[str, str]]

_Z = 1.96  # of 95 %
_Z_DROP = 2.33  # the drop's interval is wider: one-sided 99 %
_REPEATS = 1_000


def wilson(right: float, total: float, z: float = _Z) -> tuple[float, float]:
    """The interval of a share by Wilson (1927), which holds for few complaints and for shares near 0 and 1."""
    if not total:
        return 0.0, 1.0
    share = right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * ((share * (1 - share) / total + z * z / (4 * total**2)) ** 0.5)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def counted(labels: Sequence[str], answers: Sequence[str]) -> Cells:
    """The complaints by label and answer."""
    return Counter(zip(labels, answers, strict=True))


def delayed_accuracy(counts: Cells, baseline: Mapping[str, Mapping[str, float]], *, seed: int = 0) -> dict[str, Any]:
    """Accuracy, macro-F1, recall by class and the drop from the baseline, each with an interval; only `n` of nothing.

    `baseline` has `recall` and `support` of each class on the held-out complaints.
    """
    found = sorted(pair for pair, number in counts.items() if number)
    if not found:
        return {"n": 0}
    names = sorted({name for pair in found for name in pair})
    place = {name: number for number, name in enumerate(names)}
    cells = np.zeros((len(names), len(names)))
    for label, answer in found:
        cells[place[label], place[answer]] = counts[label, answer]
    total, right = cells.sum(), np.trace(cells)
    low, high = wilson(right, total)
    return {
        "n": int(total),
        "accuracy": {"estimate": float(right / total), "low": low, "high": high},
        "macro_f1": _macro_f1(cells, seed),
        "recall": {
            name: _share(cells[number, number], cells[number].sum())
            for name, number in place.items()
            if cells[number].sum()
        },
        "drop": drop(cells, names, baseline),
    }


def _share(right: float, total: float) -> dict[str, float]:
    low, high = wilson(right, total)
    return {"estimate": float(right / total), "low": low, "high": high, "support": int(total)}


def drop(cells: Floats, names: Sequence[str], baseline: Mapping[str, Mapping[str, float]]) -> dict[str, float] | None:
    """How much less accurate the window is than held-out complaints of its classes; None if no class is in both.

    `estimate`, and `low` and `high` of a 98 % interval: if `low` is above 0, the drop is no luck, at one-sided 99 %.
    """
    known = [number for number, name in enumerate(names) if baseline.get(name, {}).get("support", 0) > 0]
    rows = cells[known]
    total = rows.sum()
    if not total:
        return None
    share = rows.sum(axis=1) / total
    recall = np.array([baseline[names[number]]["recall"] for number in known])
    support = np.array([baseline[names[number]]["support"] for number in known])
    # One complaint more of each kind: a class that was always right on few complaints may still be wrong.
    careful = (recall * support + 1) / (support + 2)
    accuracy = float(rows[np.arange(len(known)), known].sum() / total)
    expected = float(share @ recall)
    variance = (
        float((share**2 * careful * (1 - careful) / support).sum()) + max(accuracy * (1 - accuracy), 1e-4) / total
    )
    reach = _Z_DROP * variance**0.5
    estimate = expected - accuracy
    return {"expected": expected, "estimate": estimate, "low": estimate - reach, "high": estimate + reach}


def _macro_f1(cells: Floats, seed: int) -> dict[str, float]:
    """Macro-F1 over the classes with labels; its interval by a bootstrap of the cells, hence of the complaints."""
    total = int(cells.sum())
    drawn = np.random.default_rng(seed).multinomial(total, cells.ravel() / total, _REPEATS).reshape(-1, *cells.shape)
    present = cells.sum(axis=1) > 0

    def of(tables: Floats) -> Floats:
        both = tables.sum(axis=2) + tables.sum(axis=1)
        f1 = 2 * np.diagonal(tables, axis1=1, axis2=2) / np.maximum(both, 1)
        return np.asarray(f1[:, present].mean(axis=1))

    low, high = np.quantile(of(drawn.astype(float)), [0.025, 0.975])
    return {"estimate": float(of(cells[None])[0]), "low": float(low), "high": float(high)}
