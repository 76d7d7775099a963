"""Scores the second question: a model's issues beside those that consumers chose, given the product that they chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from comparison import compared
from slices import Answers, Flags, Rows, slice_metrics

OVERALL = "overall"


def issue_scores(
    rows: Rows, slices: Sequence[str], answers: Answers, known: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The part `issues` of an evaluation: the metrics of each slice, and over all; empty without an answer.

    `known` has the model's `classes`, and what it calls the `other` issues. Rows without an issue do not count.
    """
    if known is None or answers.issues is None:
        return {}
    classes, other = list[str](known["classes"]), str(known["other"])
    labels = [issue if issue in classes else other for issue in map(str, rows.issues)]
    found = {}
    for name in (*sorted({*slices}), OVERALL):
        chosen = [
            place for place, each in enumerate(slices) if name in (each, OVERALL) and rows.issues[place] is not None
        ]
        if chosen:
            found[name] = _metrics(labels, answers, classes, [*rows.groups], chosen)
    if not found:
        return {}
    overall = found.pop(OVERALL)
    print(f"issues: n={overall['n']} macro_f1={overall['macro_f1']:.4f} top_3={overall['top_3']:.4f}", flush=True)
    return {"issues": {"classes": classes, "other": other, "slices": found, OVERALL: overall}}


def issue_comparison(
    held_out: tuple[Rows, Sequence[str]],
    ours: tuple[Answers, Mapping[str, Any]],
    theirs: tuple[Answers, Mapping[str, Any]],
    seen: Flags,
) -> dict[str, Any]:
    """Two models by slice, on the complaints with an issue that the model in service was not trained on.

    `held_out` has the rows and the slice of each; each model its answers and its part `issues` of the evaluation. An
    issue that one of them knows by name is a label for both; all others are the challenger's `other`.
    """
    rows, slices = held_out
    other, others = ours[1]["other"], {ours[1]["other"], theirs[1]["other"]}
    known = {*ours[1]["classes"], *theirs[1]["classes"]} - others

    def named(issue: object) -> str:
        return str(issue) if issue in known else other

    first = [[named(names[0]) for names in each.issues.likeliest] for each, _ in (ours, theirs) if each.issues]
    found: dict[str, Any] = {}
    for name in (*sorted({*slices}), OVERALL):
        chosen = [
            place
            for place, each in enumerate(slices)
            if name in (each, OVERALL) and rows.issues[place] is not None and not seen[place]
        ]
        labels, one, two = ([of[place] for place in chosen] for of in ([named(each) for each in rows.issues], *first))
        found[name] = compared(labels, one, two, [rows.groups[place] for place in chosen]) if chosen else {"n": 0}
    return found


def _metrics(
    labels: Sequence[str], answers: Answers, classes: Sequence[str], groups: Sequence[object], chosen: Sequence[int]
) -> dict[str, Any]:
    """The metrics of the chosen rows, and how often the label is among the three likeliest."""
    assert answers.issues is not None
    true = [labels[place] for place in chosen]
    likeliest = [answers.issues.likeliest[place] for place in chosen]
    first, confidences = [names[0] for names in likeliest], answers.issues.confidences[np.array(chosen)]
    metrics = slice_metrics(true, first, confidences, classes, [groups[place] for place in chosen])
    hits = [label in names for label, names in zip(true, likeliest, strict=True)]
    return {**metrics, "top_3": float(np.mean(hits))}
