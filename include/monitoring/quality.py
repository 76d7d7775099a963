"""Hard checks of a window's data: what no change of the world explains, only a fault on the way here.

Each has a fixed limit far beyond anything that sound complaints do. A violation stops what follows: the window starts
no evaluation and no retraining, and does not count for later ones; a person looks at the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]


class Limits(NamedTuple):
    """The largest share that is tolerated, by check; `shortened` is a share of the baseline's median length."""

    mojibake: float = 0.1
    repeated: float = 0.3
    no_evidence: float = 0.25
    one_class: float = 0.95
    cut: float = 0.2
    shortened: float = 0.4
    foreign: float = 0.25


LIMITS = Limits()
# Of fewer complaints, a share says nothing.
LEAST_COMPLAINTS = 50
# A text shorter than this may well have the length of others.
_LONG = 80


def violations(
    narratives: Sequence[str],
    predicted: Sequence[str],
    *,
    known_ngrams: npt.NDArray[np.int64],
    mojibake: Flags,
    foreign: Flags,
    median_words: float,
    baseline_median_words: float,
    baseline_largest_class: float,
    limits: Limits = LIMITS,
) -> list[dict[str, Any]]:
    """The checks that failed: name, value, limit, and a sentence; none of fewer than fifty complaints."""
    total = len(narratives)
    if total < LEAST_COMPLAINTS:
        return []
    texts = Counter(" ".join(text.lower().split()) for text in narratives)
    lengths = Counter(len(text.strip()) for text in narratives if len(text.strip()) >= _LONG)
    largest = Counter(predicted).most_common(1)[0]
    top_length, cut = lengths.most_common(1)[0] if lengths else (0, 0)
    shares = {
        "mojibake": (float(mojibake.mean()), limits.mojibake, "narratives were decoded in the wrong encoding"),
        "repeated": (1 - len(texts) / total, limits.repeated, "narratives are copies of others"),
        "no_evidence": (float((known_ngrams == 0).mean()), limits.no_evidence, "have no word that the model knows"),
        "foreign": (float(foreign.mean()), limits.foreign, "narratives have none of the commonest English words"),
        "cut": (cut / total, limits.cut, f"narratives end after exactly {top_length} characters"),
        # A baseline that is nearly one class itself is no reason.
        "one_class": (
            largest[1] / total,
            max(limits.one_class, (1 + baseline_largest_class) / 2),
            f"predictions are {largest[0]}",
        ),
    }
    found = [
        {
            "check": name,
            "value": value,
            "limit": limit,
            "message": f"{value:.0%} of {total:,} {text}; tolerated: {limit:.0%}",
        }
        for name, (value, limit, text) in shares.items()
        if value > limit
    ]
    least = limits.shortened * baseline_median_words
    if median_words < least:
        text = f"the median narrative has {median_words:,.0f} words, of the held-out ones {baseline_median_words:,.0f}"
        found.append({"check": "shortened", "value": median_words, "limit": least, "message": text})
    return found


def unknown_products(products: Sequence[str | None], labels: Sequence[str | None]) -> dict[str, int]:
    """The product names that no label rule knows, with their complaints, most frequent first."""
    found = Counter(product for product, label in zip(products, labels, strict=True) if label == "unmapped" and product)
    return dict(found.most_common())
