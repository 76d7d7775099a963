"""`python -m bench.issues`: quality of the second question, which issue a complaint has, against simple classifiers.

On the complaints with a narrative, a known product and an issue, renamed by `issues` of `model_config.yaml`. The issues
are the most frequent ones of the training rows, and `other`. All contenders are trained and tested on the same folds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from inference import predict_fn
from issue_classifier import learned_names
from model_folder import save as save_model
from ngram_scorer import NgramScorer
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC
from slices import expected_calibration_error
from train import fit
from trained_model import load

from bench.labelled_narratives import COPIES, DATA, complaints_of, label_of
from bench.processes import own_peak_memory_mb
from bench.results import record, save
from bench.tables import machine, table
from complaints.settings import load_settings

_FOLDS, _SEED = 3, 13
_LIKELIEST = 3
_ABOUT = (
    "Quality of the second question, which issue a complaint has (`ours`), against LinearSVC on TF-IDF with the "
    "product as a feature and without it, and the most frequent issue. Means of three folds with identical narratives "
    "kept together; issues of earlier taxonomies are renamed, and the rarer ones are `other`. `product`: what is known "
    "of it. `acc` is accuracy, `F1` macro-F1, `top 3` how often the issue is among the three likeliest, `ECE` the "
    "expected calibration error."
)
_PUBLISHED = "Published, under another protocol and so not comparable: DistilBERT with accuracy .765 and macro-F1 .570."


class Complaints(NamedTuple):
    """Arrays with one entry per complaint: text, product, issue as it is called now, number of its group."""

    narratives: npt.NDArray[np.object_]
    products: npt.NDArray[np.str_]
    issues: npt.NDArray[np.str_]
    groups: npt.NDArray[np.intp]


class Part(NamedTuple):
    """The complaints to learn from, by their classes, and those to answer."""

    learn: Complaints
    labels: list[str]
    ask: Complaints


# The classes, and the scores of each complaint that is asked about: (complaints, classes).
Scores = tuple[npt.NDArray[Any], npt.NDArray[np.float64]]


def main() -> int:
    """Prints the table and writes it to build/bench/issues.json and docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="bench.issues", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of complaints (default: %(default)s)")
    options = parser.parse_args()
    print(f"{_ABOUT}\n\n{machine()}\n", flush=True)
    found = measured(complaints(options.data))
    text = f"{_overview(found)}\n\n{_PUBLISHED}"
    print(text)
    save("issues", found)
    record("model QUESTION=issue", _ABOUT, text, ["scikit-learn", "numpy", "scipy"])
    return 0


def complaints(folder: Path) -> Complaints:
    """Every complaint in the folder with a narrative, a known product and an issue; the first with the same id."""
    model, rows = load_settings().model, dict[str, tuple[str, str, str]]()
    renamed = {each.old.lower(): each for each in reversed(model.issues.renamed)}
    for path in sorted(path for path in folder.glob("*.csv") if path.name not in COPIES):
        for number, fields in complaints_of(path):
            text, issue = fields.get("consumer_complaint_narrative", ""), fields.get("issue", "").strip()
            product = label_of(fields.get("product", ""), model.labels)
            if text.strip() and product and issue:
                rule = renamed.get(issue.lower())
                day = fields.get("date_received", "")[:10]
                name = rule.new if rule and (not rule.until or "" < day <= rule.until.isoformat()) else issue
                rows.setdefault(fields.get("complaint_id", f"{path.name}#{number}"), (text, product, name))
    if not rows:
        raise FileNotFoundError(f"{folder} has no complaint with an issue")
    texts, products, issues = zip(*rows.values(), strict=True)
    order: dict[str, int] = {}
    groups = np.array([order.setdefault(" ".join(text.lower().split()), len(order)) for text in texts])
    return Complaints(np.array(texts, dtype=object), np.array(products), np.array(issues), groups)


def measured(data: Complaints) -> list[dict[str, Any]]:
    """The figures of all contenders."""
    settings = load_settings().model.issues
    figures: dict[str, list[list[float]]] = {name: [] for name in _CONTENDERS}
    digests = {name: hashlib.sha256() for name in _CONTENDERS}
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for learn, test in folds.split(data.narratives, groups=data.groups):
        learned, asked = _those(data, learn), _those(data, test)
        labels = [str(name) for name in learned_names(list(learned.issues), settings.top, settings.other)]
        known = {*labels}
        truth = np.array([issue if issue in known else settings.other for issue in asked.issues])
        for name, (answer, _) in _CONTENDERS.items():
            start = time.perf_counter()
            classes, scores = answer(Part(learned, labels, asked))
            figures[name].append([*_figures(truth, classes, scores), time.perf_counter() - start])
            digests[name].update("\n".join(classes[scores.argmax(axis=1)]).encode())
    names = ("accuracy", "macro_f1", "top_3", "calibration_error", "seconds")
    return [
        {"contender": name, "rows": len(data.issues), "checksum": digests[name].hexdigest()}
        | {"product": _CONTENDERS[name][1], "peak_memory_mb": own_peak_memory_mb()}
        | dict(zip(names, map(float, np.mean(figures[name], axis=0)), strict=True))
        for name in _CONTENDERS
    ]


def _those(data: Complaints, places: npt.NDArray[np.intp]) -> Complaints:
    return Complaints(data.narratives[places], data.products[places], data.issues[places], data.groups[places])


def _figures(truth: npt.NDArray[Any], classes: npt.NDArray[Any], scores: npt.NDArray[np.float64]) -> list[float]:
    likeliest = classes[np.argsort(-scores, axis=1, kind="stable")[:, :_LIKELIEST]]
    right = likeliest[:, 0] == truth
    names = sorted({*truth})
    return [
        float(right.mean()),
        float(f1_score(truth, likeliest[:, 0], labels=names, average="macro", zero_division=0)),
        float((likeliest == truth[:, None]).any(axis=1).mean()),
        expected_calibration_error(scores.max(axis=1), right),
    ]


def _ours(part: Part, *, product: bool = True) -> Scores:
    """Trained by the training script, and answered by the serving code from a saved folder."""
    model = load_settings().model
    options = argparse.Namespace(**model.training.hyperparameters.model_dump(), **{"issues_top": model.issues.top})
    options.issues_other = model.issues.other
    learned = part.learn
    fitted = fit(list(learned.narratives), list(learned.products), options, list(learned.issues))
    with tempfile.TemporaryDirectory() as folder:
        save_model(fitted, Path(folder), training_rows=len(part.labels))
        scorer = NgramScorer(load(Path(folder)), finds_issues=True)
        classes = np.array(json.loads((Path(folder) / "signature.json").read_text())["issues"]["classes"])
    given = part.ask.products if product else [None] * len(part.ask.products)
    records = [
        {"complaint_id": str(place), "narrative": str(text), **({"product": str(name)} if name else {})}
        for place, (text, name) in enumerate(zip(part.ask.narratives, given, strict=True))
    ]
    place = {name: number for number, name in enumerate(classes.tolist())}
    scores = np.zeros((len(records), len(classes)))
    for row, answer in enumerate(predict_fn(records, scorer)):
        scores[row, place[answer["predicted_issue"]]] = answer["issue_confidence"]
        for each in answer["issue_alternatives"]:
            scores[row, place[each["issue"]]] = each["confidence"]
    return classes, scores


def _linear_svc(part: Part, *, product: bool) -> Scores:
    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    learn, ask = tfidf.fit_transform(part.learn.narratives), tfidf.transform(part.ask.narratives)
    if product:
        names = sorted({*part.learn.products})
        learn, ask = (
            csr_matrix(hstack([text, [[float(each == name) for name in names] for each in products]]))
            for text, products in ((learn, part.learn.products), (ask, part.ask.products))
        )
    machine_ = LinearSVC(random_state=13).fit(learn, part.labels)
    return machine_.classes_, softmax(machine_.decision_function(ask), axis=1)


def _majority(part: Part) -> Scores:
    found = DummyClassifier().fit(part.learn.products, part.labels)
    return found.classes_, found.predict_proba(part.ask.products)


_CONTENDERS: dict[str, tuple[Callable[[Part], Scores], str]] = {
    "ours": (_ours, "in the file"),
    "ours_predicted": (lambda part: _ours(part, product=False), "predicted"),
    "linear_svc_product": (lambda part: _linear_svc(part, product=True), "in the file"),
    "linear_svc": (lambda part: _linear_svc(part, product=False), "not used"),
    "majority": (_majority, "not used"),
}


def _overview(found: Sequence[dict[str, Any]]) -> str:
    names = ("accuracy", "macro_f1", "top_3", "calibration_error")
    rows = [[each["contender"], each["product"], *(f"{each[name]:.4f}" for name in names)] for each in found]
    return f"{found[0]['rows']:,} complaints\n\n" + table(["", "product", "acc", "F1", "top 3", "ECE"], rows)


if __name__ == "__main__":
    sys.exit(main())
