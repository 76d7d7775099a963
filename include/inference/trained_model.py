"""Loads a model folder. Nothing in it is executed: JSON, and arrays without pickle.

The folder's `signature.json` says what the files must be; whatever differs is refused with the reason.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

FORMAT = 2
# All that a model folder holds; the last only in a model that answers the second question.
FILES = ("signature.json", "vocabulary.json", "weights.npz", "issues.npz")


class ModelRefusedError(ValueError):
    """The folder is not a model that this code may serve; the message says why."""


class IssueModel(NamedTuple):
    """What answers the second question: coef (issues, features + products), intercept (issues), and its own doubt."""

    classes: list[str]
    products: list[str]
    coef: np.ndarray
    intercept: np.ndarray
    doubt: float


class TrainedModel(NamedTuple):
    """A fitted pipeline (steps `tfidf`, `classifier`), which part of its probabilities belongs to no class, and what
    answers the second question, if anything does.
    """

    pipeline: Pipeline
    doubt: float
    issues: IssueModel | None = None


def load(folder: Path) -> TrainedModel:
    """The model that was saved into `folder`, ready to serve.

    Raises:
        ModelRefusedError: a file is missing or was changed, or the folder is of another format or scikit-learn.
    """
    signature = _signature(folder)
    for name in _signed(signature):
        found, expected = hashlib.sha256(_bytes(folder / name)).hexdigest(), signature["sha256"].get(name)
        if found != expected:
            raise ModelRefusedError(f"{name}: SHA-256 is {found}, the signature says {expected}")
    terms = _json(folder / "vocabulary.json")
    idf, coef, intercept = _arrays(folder / "weights.npz", "idf", "coef", "intercept")
    classes = np.array(signature["classes"])
    _check_shapes(len(classes), len(terms), idf=idf, coef=coef, intercept=intercept)
    parameters = {**signature["vectorizer"], "ngram_range": tuple(signature["vectorizer"]["ngram_range"])}
    tfidf = TfidfVectorizer(vocabulary={term: column for column, term in enumerate(terms)}, **parameters)
    tfidf.idf_ = idf
    classifier = LogisticRegression()
    classifier.classes_, classifier.coef_, classifier.intercept_ = classes, coef, intercept
    issues = _issues(folder, signature["issues"], len(terms)) if "issues" in signature else None
    return TrainedModel(Pipeline([("tfidf", tfidf), ("classifier", classifier)]), _doubt(signature), issues)


def _signed(signature: dict[str, Any]) -> Iterator[str]:
    """The files whose digests the signature must have."""
    yield from ("vocabulary.json", "weights.npz")
    if "issues" in signature:
        yield "issues.npz"


def _issues(folder: Path, said: dict[str, Any], terms: int) -> IssueModel:
    coef, intercept = _arrays(folder / "issues.npz", "coef", "intercept")
    classes, products = list(said["classes"]), list(said["products"])
    rows = 1 if len(classes) == 2 else len(classes)
    needed = {"coef": (rows, terms + len(products)), "intercept": (rows,)}
    for name, array in (("coef", coef), ("intercept", intercept)):
        if array.shape != needed[name]:
            raise ModelRefusedError(
                f"issues.npz: {name} is {array.shape}; {len(classes)} issues, {terms} terms and {len(products)} "
                f"products need {needed[name]}"
            )
    return IssueModel(classes, products, coef, intercept, _doubt(said))


def _signature(folder: Path) -> dict[str, Any]:
    signature: dict[str, Any] = _json(folder / "signature.json")
    if signature.get("format") != FORMAT:
        raise ModelRefusedError(f"signature.json: format {signature.get('format')!r}; this code reads {FORMAT}")
    made_by = signature["scikit_learn"]
    if made_by != sklearn.__version__:
        raise ModelRefusedError(
            f"made by scikit-learn {made_by}, but {sklearn.__version__} is here: train again, or serve with {made_by}"
        )
    return signature


def _doubt(signature: dict[str, Any]) -> float:
    doubt = signature.get("doubt")
    if not isinstance(doubt, float) or not 0 <= doubt < 1:
        raise ModelRefusedError(f"signature.json: doubt {doubt!r}; a part of all probabilities is from 0 to below 1")
    return doubt


def _check_shapes(classes: int, terms: int, **arrays: np.ndarray) -> None:
    # Two classes share one row of coefficients, since the probability of one is that of not being the other.
    rows = 1 if classes == 2 else classes
    needed = {"idf": (terms,), "coef": (rows, terms), "intercept": (rows,)}
    for name, shape in needed.items():
        if arrays[name].shape != shape:
            raise ModelRefusedError(
                f"weights.npz: {name} is {arrays[name].shape}; {classes} classes and {terms} terms need {shape}"
            )


def _arrays(path: Path, *names: str) -> list[np.ndarray]:
    content = io.BytesIO(_bytes(path))
    try:
        with np.load(content, allow_pickle=False) as weights:
            return [weights[name] for name in names]
    # A TypeError, where the file is one bare array.
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ModelRefusedError(f"{path.name}: not the arrays of a model, or pickled: {error}") from None


def _json(path: Path) -> Any:
    content = _bytes(path)
    try:
        return json.loads(content)
    except ValueError as error:
        raise ModelRefusedError(f"{path.name}: not JSON: {error}") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelRefusedError(f"{path.name} is missing in the model folder") from None
