"""The classifiers that the benchmarks compare: ours, and published ones with their own settings."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from model_folder import save
from ngram_scorer import NgramScorer
from scipy.sparse import diags_array
from scipy.special import softmax
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from train import fit
from trained_model import TrainedModel

from complaints.settings import load_settings

Floats = npt.NDArray[np.float64]


class Contender(Protocol):
    """A classifier with the interface of scikit-learn; `predict_proba` returns an array of shape (texts, classes)."""

    classes_: npt.NDArray[Any]

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Contender:
        """Trains on the texts and their labels."""

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """The probability of each class, in the order of `classes_`, or a score in its place."""

    def megabytes(self) -> float:
        """The size of the stored model, uncompressed."""


class Ours:
    """Our classifier: trained by the training script, scored by the serving code."""

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Ours:
        """Trains with the hyperparameters of model_config.yaml."""
        self.options = argparse.Namespace(**load_settings().model.training.hyperparameters.model_dump())
        self.model = fit(list(texts), labels, self.options)
        self.scorer = NgramScorer(TrainedModel(*self.model[:2]))
        self.classes_ = self.scorer.classes_
        return self

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """The probabilities as served."""
        return np.asarray(self.scorer.predict_proba(texts))

    def megabytes(self) -> float:
        """The size of the model folder."""
        with tempfile.TemporaryDirectory() as folder:
            save(self.model, Path(folder), training_rows=0)
            return sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6


class Stock:
    """A scikit-learn pipeline; without probabilities, the softmax of its margins, uncalibrated."""

    def __init__(self, classifier: Any, **vectorizer: Any) -> None:
        self.pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, **vectorizer), classifier)

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Stock:
        """Trains the pipeline."""
        self.pipeline.fit(texts, labels)
        self.classes_ = self.pipeline.classes_
        return self

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Probabilities, or the softmax of the margins."""
        if hasattr(self.pipeline, "predict_proba"):
            return np.asarray(self.pipeline.predict_proba(texts))
        return np.asarray(softmax(self.pipeline.decision_function(texts), axis=1))

    def megabytes(self) -> float:
        """The size of the terms, their idf and the coefficients."""
        terms = self.pipeline[0].vocabulary_
        coefficients = getattr(self.pipeline[-1], "coef_", np.empty(0))
        return (sum(map(len, terms)) + 8 * len(terms) + coefficients.nbytes) / 1e6


class NbSvm(Stock):
    """NB-SVM (Wang and Manning, 2012) on TF-IDF, one class against the rest, without interpolation."""

    def __init__(self) -> None:
        super().__init__(LinearSVC(random_state=13), min_df=2)

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> NbSvm:
        """Trains one support-vector machine per class."""
        features = self.pipeline[0].fit_transform(texts)
        self.classes_, which = np.unique(labels, return_inverse=True)
        self._machines = []
        for each in range(len(self.classes_)):
            inside, outside = (
                np.asarray((features[side] > 0).sum(axis=0)).ravel() + 1 for side in (which == each, which != each)
            )
            ratio = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
            machine = LinearSVC(random_state=13).fit(features @ diags_array(ratio), which == each)
            self._machines.append((machine.coef_[0] * ratio, machine.intercept_[0]))
        return self

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """The softmax of the margins."""
        features = self.pipeline[0].transform(texts)
        return np.asarray(softmax(np.stack([features @ w + b for w, b in self._machines], axis=1), axis=1))

    def megabytes(self) -> float:
        """The size of the terms, their idf and the weights."""
        return super().megabytes() + float(sum(w.nbytes for w, _ in self._machines)) / 1e6


class FastText:
    """fastText with word 2-grams, in an environment of its own, since the jobs do not depend on it."""

    def __init__(self, python: str) -> None:
        self._python = python

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> FastText:
        """Keeps the training data; the other process trains and predicts in one call."""
        self._learn = [list(texts), list(labels)]
        self.classes_ = np.unique(labels)
        return self

    def answers(self, texts: Sequence[str]) -> dict[str, Any]:
        """The response of the other process: labels, probabilities, and seconds for each part."""
        request = json.dumps({"learn": self._learn, "texts": list(texts)})
        command = [self._python, str(Path(__file__).with_name("fasttext_peer.py"))]
        done = subprocess.run(command, input=request, capture_output=True, text=True, check=True)
        answers: dict[str, Any] = json.loads(done.stdout)
        return answers

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """The probability of the best class; the rest is spread over the other classes."""
        self.last = self.answers(texts)
        best = np.array(self.last["probabilities"]).clip(0, 1)
        found = np.repeat(((1 - best) / (len(self.classes_) - 1))[:, None], len(self.classes_), axis=1)
        found[np.arange(len(best)), np.searchsorted(self.classes_, self.last["labels"])] = best
        return np.asarray(found)

    def megabytes(self) -> float:
        """The size of the file that fastText writes."""
        return float(self.last["megabytes"])


def contender(name: str, fasttext_python: str) -> Contender:
    """A new contender by its name."""
    made: dict[str, Contender] = {
        "ours": Ours(),
        "logreg_recipe": Stock(LogisticRegression(max_iter=300), max_features=25_000, min_df=5, max_df=0.85),
        "linear_svc_recipe": Stock(LinearSVC(random_state=13), max_features=50_000, min_df=2),
        "nb_svm": NbSvm(),
        "fasttext": FastText(fasttext_python),
        "majority": Stock(DummyClassifier(), max_features=1),
    }
    return made[name]


NAMES = ("ours", "logreg_recipe", "linear_svc_recipe", "nb_svm", "fasttext", "majority")
