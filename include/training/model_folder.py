"""Writes a fitted model as data, never as code: JSON, and arrays without pickle.

`signature.json` says what it takes to use the folder: the format's number, the scikit-learn that made it, the
classes, the vectoriser's parameters, the doubt (see `ngram_classifier`) and each file's SHA-256. `vocabulary.json`
lists the terms by column, `weights.npz` holds idf (features), coef (classes, features) and intercept (classes). A model
that answers the second question has `issues` in its signature, and `issues.npz` with coef (issues, features + products)
and intercept (issues).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn
from issue_classifier import IssueModel
from sklearn.pipeline import Pipeline

FORMAT = 2
_SIGNED = ("issues.npz", "vocabulary.json", "weights.npz")
_VECTORIZER_PARAMETERS = ("ngram_range", "sublinear_tf", "lowercase", "token_pattern", "norm", "use_idf")


class TrainedModel(NamedTuple):
    """A fitted pipeline (steps `tfidf`, `classifier`), which part of its probabilities belongs to no class, and what
    answers the second question, if anything does.
    """

    pipeline: Pipeline
    doubt: float
    issues: IssueModel | None = None


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
        **_saved_issues(model.issues, folder),
    }
    signature["sha256"] = {path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.name in _SIGNED}
    (folder / "signature.json").write_text(json.dumps(signature, indent=2, sort_keys=True), encoding="ascii")


def _saved_issues(issues: IssueModel | None, folder: Path) -> Mapping[str, Any]:
    """What the signature says of the second question; empty for a model without it."""
    if issues is None:
        return {}
    classifier = issues.classifier
    np.savez(
        folder / "issues.npz",
        # Half the size, and more than exact enough: it is by far the largest part of the model.
        coef=classifier.coef_.astype(np.float32),
        intercept=classifier.intercept_.astype(np.float64),
    )
    classes = [str(name) for name in classifier.classes_]
    return {"issues": {"classes": classes, "other": issues.other, "products": issues.products, "doubt": issues.doubt}}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
