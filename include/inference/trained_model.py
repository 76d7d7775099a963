"""Loads a model folder. Nothing in it is executed: JSON, and arrays without pickle.

The folder's `signature.json` says what the files must be; whatever differs is refused with the reason.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

FORMAT = 1


class ModelRefusedError(ValueError):
    """The folder is not a model that this code may serve; the message says why."""


def load(folder: Path) -> Pipeline:
    """The pipeline that was saved into `folder`, ready for `predict_proba`.

    Raises:
        ModelRefusedError: a file is missing or was changed, or the folder is of another format or scikit-learn.
    """
    signature = _signature(folder)
    for name, expected in signature["sha256"].items():
        found = hashlib.sha256(_bytes(folder / name)).hexdigest()
        if found != expected:
            raise ModelRefusedError(f"{name}: SHA-256 is {found}, the signature says {expected}")
    terms = json.loads(_bytes(folder / "vocabulary.json"))
    with np.load(folder / "weights.npz", allow_pickle=False) as weights:
        idf, coef, intercept = weights["idf"], weights["coef"], weights["intercept"]
    classes = np.array(signature["classes"])
    if coef.shape != (len(classes), len(terms)) or idf.shape != (len(terms),):
        raise ModelRefusedError(
            f"weights.npz: coef is {coef.shape} and idf {idf.shape}; {len(classes)} classes and {len(terms)} terms "
            f"need {(len(classes), len(terms))} and {(len(terms),)}"
        )
    parameters = {**signature["vectorizer"], "ngram_range": tuple(signature["vectorizer"]["ngram_range"])}
    tfidf = TfidfVectorizer(vocabulary={term: column for column, term in enumerate(terms)}, **parameters)
    tfidf.idf_ = idf
    classifier = LogisticRegression()
    classifier.classes_, classifier.coef_, classifier.intercept_ = classes, coef, intercept
    return Pipeline([("tfidf", tfidf), ("classifier", classifier)])


def _signature(folder: Path) -> dict[str, Any]:
    signature: dict[str, Any] = json.loads(_bytes(folder / "signature.json"))
    if signature.get("format") != FORMAT:
        raise ModelRefusedError(f"signature.json: format {signature.get('format')!r}; this code reads {FORMAT}")
    made_by = signature["scikit_learn"]
    if made_by != sklearn.__version__:
        raise ModelRefusedError(
            f"made by scikit-learn {made_by}, but {sklearn.__version__} is here: train again, or serve with {made_by}"
        )
    return signature


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelRefusedError(f"{path.name} is missing in the model folder") from None
