"""The baseline of a model: what monitoring compares later windows with, written once with the version.

`baseline.json` holds the held-out complaints as numbers, never as text, the words that the model knew, the top terms,
the thresholds of each signal by size of window, and the model's scores by class. A model that was fitted again on all
rows, once it had passed its gate, is compared with the baseline of the fit that was evaluated, and by its words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from delayed_accuracy import wilson
from signals import DIGITS, Sample, as_json, presence, sample_of, thresholds
from text_columns import TextColumns, text_columns

Floats = npt.NDArray[np.float64]

FORMAT = 1
# More complaints than these make the thresholds no better, and the document large; they are drawn at random.
MOST_COMPLAINTS = 5_000
LEAST_COMPLAINTS = 100
_TOP_TERMS = 300
_SEED = 13


class BaselineRefusedError(ValueError):
    """The baseline is missing, of another model or of another format; nothing can be compared with it."""


class Scored(NamedTuple):
    """Complaints with the model's answers, one entry in each array.

    `issues` are the answers to the second question about those whose product was known, and no entry for each.
    """

    narratives: Sequence[str]
    predicted: Sequence[str]
    confidence: Floats
    issues: Sequence[str] | None = None


class Baseline(NamedTuple):
    """A baseline as the job uses it; `document` has the rest."""

    classes: list[str]
    terms: list[str]
    sample: Sample
    correct: Floats
    document: Mapping[str, Any]


def baseline_document(
    scored: Scored,
    labels: Sequence[str],
    vocabulary: Collection[str],
    classes: Sequence[str],
    *,
    model_sha256: str,
    level: float,
    issue_classes: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The document of a model from its held-out complaints; the same complaints give the same document.

    `issue_classes`: the issues that it knows, the others last, where `scored` has one for each complaint.

    Raises:
        ValueError: there are too few complaints.
    """
    if len(labels) < LEAST_COMPLAINTS:
        raise ValueError(f"{len(labels)} held-out complaints are too few for a baseline: {LEAST_COMPLAINTS} are needed")
    kept = chosen(len(labels))
    few = Scored(
        [scored.narratives[each] for each in kept],
        [scored.predicted[each] for each in kept],
        scored.confidence[kept],
        None if scored.issues is None else [scored.issues[each] for each in kept],
    )
    columns = text_columns(few.narratives, vocabulary)
    terms = top_terms(columns.terms)
    sample = sample_from(few, columns, terms, classes, issue_classes)
    right = np.array([answer == label for answer, label in zip(scored.predicted, labels, strict=True)])
    low, high = wilson(int(right.sum()), len(right))
    return {
        "format": FORMAT,
        "model_sha256": model_sha256,
        "classes": list(classes),
        "n": len(labels),
        "level": level,
        "accuracy": {"estimate": float(right.mean()), "low": low, "high": high},
        "per_class": _per_class(labels, right),
        "median_length": float(np.median(columns.words)),
        "vocabulary": sorted(term for term in vocabulary if " " not in term),
        "terms": terms,
        "thresholds": thresholds(sample, len(classes), level=level, seed=_SEED),
        "sample": {**as_json(sample), "correct": right[kept].astype(int).tolist()},
        **({} if sample.issues is None else {"issue_classes": list(issue_classes or ())}),
    }


def chosen(rows: int) -> npt.NDArray[np.intp]:
    """The places of the complaints that are kept, in order."""
    if rows <= MOST_COMPLAINTS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(_SEED).choice(rows, MOST_COMPLAINTS, replace=False))


def top_terms(terms: Sequence[frozenset[str]]) -> list[str]:
    """The words that most complaints have, most frequent first."""
    counts = Counter(word for each in terms for word in each)
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_TOP_TERMS]]


def sample_from(
    scored: Scored,
    columns: TextColumns,
    terms: Sequence[str],
    classes: Sequence[str],
    issue_classes: Sequence[str] | None = None,
) -> Sample:
    """Complaints as the signals see them; an issue that is not among `issue_classes` counts as the last of them."""
    place = {name: number for number, name in enumerate(classes)}
    issues = None
    if issue_classes and scored.issues:
        number = {name: each for each, name in enumerate(issue_classes)}
        issues = np.array([number.get(each, len(issue_classes) - 1) for each in scored.issues], np.int64)
    numbers: dict[str, Floats] = {
        "confidence": scored.confidence,
        "unknown_words": columns.unknown,
        "length": columns.words,
        "redactions": columns.redacted,
    }
    # Rounded as stored: a number that many complaints share, as the highest confidence, must stay the same one.
    rounded = {name: np.round(np.asarray(values, float), DIGITS) for name, values in numbers.items()}
    return Sample(
        np.array([place[each] for each in scored.predicted], np.int64), rounded, presence(columns.terms, terms), issues
    )


def load(document: Mapping[str, Any], model_sha256: str) -> Baseline:
    """The baseline of the model with this digest.

    Raises:
        BaselineRefusedError: it is of another format or of another model; both are named.
    """
    if document.get("format") != FORMAT:
        raise BaselineRefusedError(f"baseline.json: format {document.get('format')!r}; this code reads {FORMAT}")
    if document["model_sha256"] != model_sha256:
        raise BaselineRefusedError(
            f"baseline.json is of the model with SHA-256 {document['model_sha256']}, but the predictions are of "
            f"{model_sha256}: monitor with the baseline of the version that classified"
        )
    sample = sample_of(document["sample"], len(document["terms"]))
    correct = np.array(document["sample"]["correct"], float)
    return Baseline(list(document["classes"]), list(document["terms"]), sample, correct, document)


def _per_class(labels: Sequence[str], right: npt.NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    names = np.array(labels)
    return {
        str(name): {"recall": float(right[names == name].mean()), "support": int((names == name).sum())}
        for name in sorted(set(labels))
    }
