"""Compares a window of classified complaints with the held-out ones: up to seven signals, each with its own threshold.

Thresholds are quantiles of what the signals do without any change, by a bootstrap of both the window and the
reference, at a level at which all signals together raise a false alarm as seldom as is asked. A fixed limit, as
"PSI > 0.2", means something else for each size of window and each number of bins: for a thousand words and a thousand
complaints it always fires.

Class mix, and the words of complaints, are compared by their Jensen-Shannon divergence, numbers by the distance of
Kolmogorov and Smirnov.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

NUMBERS = ("confidence", "unknown_words", "length", "redactions")
SIGNALS = ("class_mix", *NUMBERS, "top_terms")
# Where the second question is answered; otherwise it is no signal, and the thresholds of the others allow for none.
ISSUE_MIX = "issue_mix"
# The sizes of windows that thresholds are stored for; a window is judged by the largest that is not above its own.
SIZES = (200, 400, 1_000, 2_000, 5_000)
# Of the numbers as they are stored.
DIGITS = 6
_REPEATS = 2_000
_BATCH = 100  # bootstraps at a time: 100 times 5,000 rows are 4 MB an array


class Sample(NamedTuple):
    """Complaints as the signals see them.

    `classes` has the number of each complaint's predicted class, `numbers` one array for each of `NUMBERS`, and `terms`
    is (complaints, top terms): 1 where a complaint has the term. `issues` has the number of the predicted issue of each
    complaint whose product was known; None where it was not asked for.
    """

    classes: Counts
    numbers: Mapping[str, Floats]
    terms: npt.NDArray[np.float32]
    issues: Counts | None = None


def statistics(window: Sample, reference: Sample, class_count: int) -> dict[str, float]:
    """The distance of a window from the reference by signal, each from 0 to 1."""
    found = {
        "class_mix": float(
            divergence(
                np.bincount(window.classes, minlength=class_count)[None].astype(float),
                np.bincount(reference.classes, minlength=class_count)[None].astype(float),
            )[0]
        ),
        "top_terms": float(
            divergence(window.terms.sum(axis=0)[None].astype(float), reference.terms.sum(axis=0)[None].astype(float))[0]
        ),
    }
    for name in NUMBERS:
        found[name] = distance(window.numbers[name], reference.numbers[name])
    ordered = {name: found[name] for name in SIGNALS}
    ours, theirs = window.issues, reference.issues
    if ours is None or theirs is None or len(ours) < SIZES[0]:
        return ordered
    count = int(max(ours.max(), theirs.max())) + 1
    mixes = (np.bincount(each, minlength=count)[None].astype(float) for each in (ours, theirs))
    return {**ordered, ISSUE_MIX: float(divergence(*mixes)[0])}


def divergence(one: Floats, other: Floats) -> Floats:
    """The Jensen-Shannon divergence, base 2, of each row of counts; 0 between rows of which one counts nothing."""
    p = one / np.maximum(one.sum(axis=1, keepdims=True), 1)
    q = other / np.maximum(other.sum(axis=1, keepdims=True), 1)
    middle = np.maximum((p + q) / 2, 1e-300)

    def half(share: Floats) -> Floats:
        return np.asarray((share * np.log2(np.maximum(share, 1e-300) / middle)).sum(axis=1))

    return np.clip((half(p) + half(q)) / 2, 0, 1)


def distance(one: Floats, other: Floats) -> float:
    """The Kolmogorov-Smirnov distance: the largest gap between two cumulative distributions."""
    values = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(each), values, side="right") / max(len(each), 1) for each in (one, other)]
    return float(np.abs(below[0] - below[1]).max()) if len(values) else 0.0


def thresholds(reference: Sample, class_count: int, *, level: float, seed: int) -> dict[str, dict[str, float]]:
    """The threshold of each signal by size of window: together, all are exceeded in `level` of windows without change.

    The level of one signal is the quantile of the smallest tail probability among all in each bootstrap (Westfall
    and Young, 1993), which allows for signals that move together.
    """
    random = np.random.default_rng(seed)
    names = SIGNALS if reference.issues is None else (*SIGNALS, ISSUE_MIX)
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    # The matrices are small: a second thread would take another core, and no less time.
    with threadpool_limits(limits=1, user_api="blas"):
        nulls = {size: _null(reference, class_count, size, random) for size in SIZES}
    for size, null in nulls.items():
        # The share of bootstraps that are at least as far, by bootstrap and signal.
        ordered = np.sort(null, axis=0)
        tails = np.column_stack(
            [1 - np.searchsorted(ordered[:, each], null[:, each], side="left") / _REPEATS for each in range(len(names))]
        )
        # How many bootstraps a signal may leave beyond its threshold, so that all signals together keep the level.
        smallest = np.sort(np.rint(tails.min(axis=1) * _REPEATS))
        beyond = int(smallest[int(level * _REPEATS)]) - 1
        for column, name in enumerate(names):
            found[name][str(size)] = round(float(ordered[_REPEATS - 1 - beyond, column]), 6)
    return found


def _null(reference: Sample, class_count: int, size: int, random: np.random.Generator) -> Floats:
    """The signals of windows without change (bootstraps, signals): window and reference are drawn anew each time."""
    rows = len(reference.classes)
    one_hot = np.eye(class_count)[reference.classes]
    issues = None if reference.issues is None else np.eye(int(reference.issues.max()) + 1)[reference.issues]
    orders = {name: np.argsort(reference.numbers[name], kind="stable") for name in NUMBERS}
    found = []
    for _ in range(_REPEATS // _BATCH):
        window, again = (_drawn(count, rows, random) for count in (size, rows))
        parts = {
            "class_mix": divergence(window @ one_hot, again @ one_hot),
            "top_terms": divergence((window @ reference.terms).astype(float), (again @ reference.terms).astype(float)),
        }
        for name in NUMBERS:
            parts[name] = _distances(window / size, again / rows, reference.numbers[name], orders[name])
        if issues is not None:
            parts[ISSUE_MIX] = divergence(window @ issues, again @ issues)
        found.append(np.column_stack([parts[name] for name in (*SIGNALS, ISSUE_MIX) if name in parts]))
    return np.concatenate(found)


def _drawn(size: int, rows: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """How often each row is in each of a batch of samples of this size: (batch, rows)."""
    places = random.integers(0, rows, (_BATCH, size)) + np.arange(_BATCH)[:, None] * rows
    return np.bincount(places.ravel(), minlength=_BATCH * rows).reshape(_BATCH, rows).astype(np.float32)


def _distances(one: npt.NDArray[Any], other: npt.NDArray[Any], values: Floats, order: Counts) -> Floats:
    """Kolmogorov-Smirnov distances between weighted copies of the same values; equal values count together."""
    ordered = values[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    gaps = np.cumsum((one - other)[:, order], axis=1, dtype=np.float64)[:, last]
    return np.asarray(np.abs(gaps).max(axis=1))


def threshold_for(stored: Mapping[str, Mapping[str, float]], size: int) -> dict[str, float]:
    """The thresholds for a window of `size` complaints.

    Raises:
        ValueError: no threshold is stored for a window as small as that.
    """
    fitting = [each for each in SIZES if each <= size]
    if not fitting:
        raise ValueError(f"{size} complaints are fewer than {SIZES[0]}, the smallest window that has thresholds")
    return {name: float(stored[name][str(fitting[-1])]) for name in (*SIGNALS, ISSUE_MIX) if name in stored}


def moved(found: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    """The signals that are beyond their thresholds."""
    return [name for name, value in found.items() if value > limits[name]]


def presence(terms: Sequence[frozenset[str]], names: Sequence[str]) -> npt.NDArray[np.float32]:
    """(complaints, names): 1 where a complaint has the term."""
    found = np.zeros((len(terms), len(names)), np.float32)
    place = {name: column for column, name in enumerate(names)}
    wanted = frozenset(place)
    for row, each in enumerate(terms):
        found[row, [place[name] for name in each & wanted]] = 1
    return found


def population_stability(window: Floats, reference: Floats) -> float:
    """The population stability index of two rows of counts, for comparison only; an empty bin counts as one half."""
    p, q = np.maximum(window, 0.5), np.maximum(reference, 0.5)
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


def as_json(sample: Sample) -> dict[str, Any]:
    """A sample as JSON; `sample_of` reads it."""
    return {
        "classes": sample.classes.tolist(),
        "numbers": {name: [float(value) for value in sample.numbers[name]] for name in NUMBERS},
        # The columns of the terms that a complaint has.
        "terms": [np.flatnonzero(row).tolist() for row in sample.terms],
        **({} if sample.issues is None else {"issues": sample.issues.tolist()}),
    }


def sample_of(document: Mapping[str, Any], terms: int) -> Sample:
    """The sample that `as_json` wrote, of `terms` top terms."""
    present = np.zeros((len(document["terms"]), terms), np.float32)
    for row, columns in enumerate(document["terms"]):
        present[row, columns] = 1
    return Sample(
        np.array(document["classes"], np.int64),
        {name: np.array(document["numbers"][name], float) for name in NUMBERS},
        present,
        np.array(document["issues"], np.int64) if "issues" in document else None,
    )
