"""Learns the second question: the issue of a complaint, from its words and from its product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ngram_classifier import fit_classifier
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

# Complaints of an issue below which it is not learned by itself.
LEAST_ROWS = 5


class IssueModel(NamedTuple):
    """A fitted classifier of issues and its doubt; it has a coefficient for each n-gram, then one for each product."""

    classifier: LogisticRegression
    products: list[str]
    doubt: float
    other: str


def fit_issues(
    features: csr_matrix,
    terms: Sequence[str],
    products: Sequence[str],
    issues: Sequence[str | None],
    groups: Sequence[object],
    stands_for: npt.NDArray[np.float64],
    *,
    most: int,
    other: str,
    c: float,
    balance: float,
    seed: int,
) -> IssueModel | None:
    """A classifier of the `most` frequent issues and `other`; None where there are no two to tell apart.

    All sequences have an entry for each row of `features`, (rows, features); an issue is None where it is not known.
    """
    names = learned_names(issues, most, other)
    places = np.array([place for place, name in enumerate(names) if name], dtype=np.intp)
    labels = [str(names[place]) for place in places]
    if len(set(labels)) < 2:
        print(f"no issues to learn from: {dict(Counter(labels))}", flush=True)
        return None
    known = sorted({*products})
    number = {name: place for place, name in enumerate(known)}
    which = [number[products[place]] for place in places]
    context = csr_matrix((np.ones(len(which)), (np.arange(len(which)), which)), shape=(len(which), len(known)))
    classifier, doubt = fit_classifier(
        features[places],
        terms,
        labels,
        [groups[place] for place in places],
        c=c,
        balance=balance,
        seed=seed,
        context=context,
        stands_for=stands_for[places],
    )
    print(f"issue_rows={len(labels)}", flush=True)
    return IssueModel(classifier, known, doubt, other)


def learned_names(issues: Sequence[str | None], most: int, other: str) -> list[str | None]:
    """The class of each issue: its own name for the most frequent, else `other`; None where nothing can be learned.

    Of issues that are equally frequent the first by name counts as the more frequent.
    """
    counts = Counter(issue for issue in issues if issue and issue != other)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = {name for name, count in ordered[:most] if count >= LEAST_ROWS}
    names = [(issue if issue in kept else other) if issue else None for issue in issues]
    if sum(name == other for name in names) < LEAST_ROWS:
        return [None if name == other else name for name in names]
    return names
