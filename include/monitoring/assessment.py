"""The assessment of one window: hard checks, signals, estimated accuracy, and accuracy where there are labels."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from baseline import Baseline, Scored, sample_from
from delayed_accuracy import Cells, delayed_accuracy
from estimated_accuracy import estimated_accuracy
from quality import unknown_products, violations
from signals import ISSUE_MIX, Sample, moved, statistics, threshold_for
from text_columns import TextColumns, text_columns


class Window(NamedTuple):
    """The classified complaints of one run; `known_ngrams`, `products` and `labels` have an entry for each.

    `labels` has None where a complaint has no label. `cells` counts by label and answer those that the model was not
    trained on, and may be of more complaints than are looked at; `earlier` is the sum of the windows before.
    """

    scored: Scored
    known_ngrams: npt.NDArray[np.int64]
    products: list[str | None]
    labels: list[str | None]
    cells: Cells
    earlier: Cells


def assessment(window: Window, baseline: Baseline, *, least: int, refitted: bool = False) -> dict[str, Any]:
    """What the decision is made from, and what people look at; below `least` complaints nothing is compared.

    Confidences of two fits differ whatever the complaints are, since each fit has a sharpness and a doubt of its own:
    of a model that was `refitted` after its baseline was made, their drift is left out.
    """
    scored, total = window.scored, len(window.scored.narratives)
    columns = text_columns(scored.narratives, baseline.document["vocabulary"])
    unknown = unknown_products(window.products, window.labels)
    sample = sample_from(scored, columns, baseline.terms, baseline.classes, baseline.document.get("issue_classes"))
    per_class = baseline.document["per_class"]
    return {
        "n": total,
        "sufficient": total >= least,
        "predicted_products": dict(Counter(scored.predicted).most_common()),
        "mean_confidence": float(np.mean(scored.confidence)) if total else None,
        "unknown_products": {"share": sum(unknown.values()) / max(total, 1), "names": unknown},
        "violations": _violations(window, columns, baseline),
        "baseline_accuracy": baseline.document["accuracy"],
        "signals": _signals(sample, baseline, refitted=refitted) if total >= least else None,
        "estimated_accuracy": _estimate(sample, baseline) if total >= least else None,
        "delayed_accuracy": delayed_accuracy(window.cells, per_class),
        "recent_accuracy": delayed_accuracy(window.cells + window.earlier, per_class),
    }


def _violations(window: Window, columns: TextColumns, baseline: Baseline) -> list[dict[str, Any]]:
    return violations(
        window.scored.narratives,
        window.scored.predicted,
        known_ngrams=window.known_ngrams,
        mojibake=columns.mojibake,
        foreign=columns.foreign,
        median_words=float(np.median(columns.words)) if len(columns.words) else 0.0,
        baseline_median_words=baseline.document["median_length"],
        baseline_largest_class=float(np.bincount(baseline.sample.classes).max() / len(baseline.sample.classes)),
    )


def _signals(sample: Sample, baseline: Baseline, *, refitted: bool) -> dict[str, Any]:
    values = statistics(sample, baseline.sample, len(baseline.classes))
    stored = baseline.document["thresholds"]
    limits = threshold_for(stored, len(sample.classes))
    if ISSUE_MIX in values and sample.issues is not None:
        limits[ISSUE_MIX] = threshold_for(stored, len(sample.issues))[ISSUE_MIX]
    beyond = moved(values, limits)
    compared = [name for name in values if not (refitted and name == "confidence")]
    return {name: {"value": values[name], "threshold": limits[name], "moved": name in beyond} for name in compared}


def _estimate(sample: Sample, baseline: Baseline) -> dict[str, float]:
    held = baseline.sample
    found = estimated_accuracy(
        sample.numbers["confidence"], sample.classes, held.numbers["confidence"], held.classes, baseline.correct
    )
    return {"estimate": found.accuracy, "low": found.low, "high": found.high, "effective": found.effective}
