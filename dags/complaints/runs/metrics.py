"""Metrics computed from counts of predictions by label, predicted class and tenth of confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

TENTHS = 10
_UNKNOWN = (None, "unmapped")


def slice_of(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The metrics of the rows with a known label, in the format of an evaluated slice; None without such rows.

    `counts` has rows of label, predicted_product, confidence_tenth, seen, rows and confidence_sum. Rows that the model
    was trained on (`seen`) are left out and counted as `seen_in_training`; that is None if nobody knows which they are.
    If none is left, `n` is 0 and there are no metrics. The calibration error is computed over ten bins of equal width
    (Guo et al., 2017).
    """
    labelled = [row for row in counts if row["label"] not in _UNKNOWN]
    if not labelled:
        return None
    known = [row for row in labelled if not row.get("seen")]
    is_known = all(row.get("seen") is not None for row in labelled)
    total, seen = (sum(row["rows"] for row in rows) for rows in (known, [row for row in labelled if row.get("seen")]))
    counted = {"n": total, "seen_in_training": seen if is_known else None}
    if not total:
        return counted
    cells: Counter[tuple[str, str]] = Counter()
    for row in known:
        cells[row["label"], row["predicted_product"]] += row["rows"]
    names = sorted({name for pair in cells for name in pair})
    per_class = {name: _scores(cells, names, name) for name in names}
    present = [per_class[name]["f1"] for name in names if per_class[name]["support"]]
    return {
        **counted,
        "accuracy": sum(cells[name, name] for name in names) / total,
        "macro_f1": sum(present) / len(present),
        "majority_accuracy": max(scores["support"] for scores in per_class.values()) / total,
        "expected_calibration_error": _calibration_error(known, total),
        "per_class": per_class,
        "confusion": {"labels": names, "rows": [[cells[true, answer] for answer in names] for true in names]},
    }


def _scores(cells: Counter[tuple[str, str]], names: list[str], name: str) -> dict[str, Any]:
    right = cells[name, name]
    support = sum(cells[name, answer] for answer in names)
    answered = sum(cells[true, name] for true in names)
    return {
        "precision": right / answered if answered else 0.0,
        "recall": right / support if support else 0.0,
        "f1": 2 * right / (support + answered) if support + answered else 0.0,
        "support": support,
    }


def _calibration_error(rows: list[Mapping[str, Any]], total: int) -> float:
    gaps = [0.0] * TENTHS
    for row in rows:
        correct = row["rows"] if row["label"] == row["predicted_product"] else 0
        gaps[row["confidence_tenth"]] += row["confidence_sum"] - correct
    return sum(abs(gap) for gap in gaps) / total


def confidence_histogram(counts: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The number of rows in each tenth of confidence."""
    bins = [0.0] * TENTHS
    for row in counts:
        bins[row["confidence_tenth"]] += row["rows"]
    return {"edges": [edge / TENTHS for edge in range(TENTHS + 1)], "counts": [int(each) for each in bins]}


def predicted_products(counts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The number of rows by predicted class, most frequent first."""
    mix: Counter[str] = Counter()
    for row in counts:
        mix[row["predicted_product"]] += row["rows"]
    return dict(mix.most_common())
