"""Writes a fitted model as data, never as code: JSON, and arrays without pickle.

`signature.json` says what it takes to use the folder: the format's number, the scikit-learn that made it, the
classes, the vectoriser's parameters, the doubt (see `ngram_classifier`) and each file's SHA-256. `vocabulary.json`
lists the terms by column, `weights.npz` holds idf (features), coef (classes, features) and intercept (classes).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sklearn
from sklearn.pipeline import Pipeline

FORMAT = 2
_VECTORIZER_PARAMETERS = ("ngram_range", "sublinear_tf", "lowercase", "token_pattern", "norm", "use_idf")


class TrainedModel(NamedTuple):
    """A fitted pipeline (steps `tfidf`, `classifier`), and which part of its probabilities belongs to no class."""

    pipeline: Pipeline
    doubt: float


def save(model: TrainedModel, folder: Path, *, training_rows: int) -> None:
    """Writes the model into `folder`; the same model gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    tfidf, classifier = model.pipeline["tfidf"], model.pipeline["classifier"]
    terms = sorted(tfidf.vocabulary_, key=tfidf.vocabulary_.__getitem__)
    (folder / "vocabulary.json").write_text(json.dumps(terms), encoding="ascii")
    np.savez(
        folder / "weights.npz",
        idf=tfidf.idf_.astype(np.float64),
        coef=classifier.coef_.astype(np.float64),
        intercept=classifier.intercept_.astype(np.float64),
    )
    signature = {
        "format": FORMAT,
        "scikit_learn": sklearn.__version__,
        "classes": [str(name) for name in classifier.classes_],
        "vectorizer": {name: tfidf.get_params()[name] for name in _VECTORIZER_PARAMETERS},
        "doubt": model.doubt,
        "training_rows": training_rows,
        "sha256": {name: _sha256(folder / name) for name in ("vocabulary.json", "weights.npz")},
    }
    (folder / "signature.json").write_text(json.dumps(signature, indent=2, sort_keys=True), encoding="ascii")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
