"""Names the n-grams that speak most for each class of a model, over all narratives that it was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_NAMED = 10
# Of the training narratives: an n-gram of fewer says little about a class, and may be of one complaint only.
_LEAST_NARRATIVES = 5


def class_words(folder: Path, signature: Mapping[str, Any]) -> dict[str, list[str]]:
    """The strongest n-grams of each class, strongest first; `folder` is a model's, with its signature.

    By the part of the score that an n-gram adds beyond its part of the average class, and by how many narratives have
    it, which follows from its idf. With the square root of their number: otherwise the words of all narratives lead.
    """
    terms = np.array(json.loads((folder / "vocabulary.json").read_text(encoding="utf-8")), dtype=object)
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        idf, by_class = arrays["idf"], arrays["coef"]
    classes = signature["classes"]
    if len(classes) == 2:
        by_class = np.vstack([-by_class, by_class])  # two classes share one row
    # As scikit-learn smooths it: idf = log((1 + narratives) / (1 + having)) + 1.
    having = (1 + signature["training_rows"]) / np.exp(idf - 1) - 1
    strength = (by_class - by_class.mean(axis=0)) * idf * np.sqrt(np.maximum(having, 0))
    strength[:, having < _LEAST_NARRATIVES - 0.5] = 0
    order = np.argsort(-strength, axis=1, kind="stable")[:, :_NAMED]
    return {
        name: [str(terms[column]) for column in best if strength[row, column] > 0]
        for row, (name, best) in enumerate(zip(classes, order.tolist(), strict=True))
    }
