"""`python -m bench.model`: quality and speed of the classifier against published ones.

Each contender is trained and scored in a process of its own on the same rows: on random folds, in which identical
narratives stay together, on the newest fifth, and on the fifth before it. `short` is macro-F1 on the texts in lower
case, without stop words, cut to 60 words. Differences are bootstrapped over the complaints, in pairs.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import sklearn
from comparison import compared
from sklearn.metrics import accuracy_score, f1_score
from slices import expected_calibration_error

from bench.labelled_narratives import DATA, labelled, shortened, splits
from bench.model_contenders import NAMES, FastText, contender
from bench.processes import own_peak_memory_mb
from bench.results import record, save, version_in
from bench.tables import machine, table

_ABOUT = (
    "Quality and speed of the classifier (`ours`) against published recipes for this data (logistic regression, "
    "linear SVC), NB-SVM, fastText and the majority class, all trained and tested on the same rows. `random` is "
    "the mean of three folds with identical narratives kept together, `time` is the newest fifth, `earlier` the fifth "
    "before it, by what is older. `acc` is "
    "accuracy, `F1` macro-F1, `short` macro-F1 on the texts in lower case, without stop words and cut to 60 "
    "words, and `ECE` the expected calibration error."
)
_SPLITS = ("random", "time", "earlier")
_SEED = 13
_SCORES = ("accuracy", "macro_f1", "short_macro_f1", "calibration_error")


class Answers(NamedTuple):
    """The answers of a contender to a split, in the order of its rows."""

    truth: list[str]
    given: list[str]
    groups: list[int]


def main() -> int:
    """Prints the tables and writes them to build/bench/model.json and docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="bench.model", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of complaints (default: %(default)s)")
    parser.add_argument("--bench-python", default=sys.executable, help="the Python that has fastText")
    options = parser.parse_args()
    print(f"{_ABOUT}\n\n{machine()}, scikit-learn {sklearn.__version__}, numpy {np.__version__}\n", flush=True)
    found = []
    for name in NAMES:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            found.append(process.submit(measured, name, options.data, options.bench_python).result())
        print(f"{name} done", flush=True)
    answers = {each["contender"]: each.pop("answers") for each in found}
    parts = {
        "": _overview(found),
        "F1 per class, random folds": _classes(found),
        "macro-F1 of ours beyond that of the others, with 95 % intervals": _differences(answers),
        "ours by the share of the training rows, first random fold": _learning_curve(options.data),
    }
    text = "\n\n".join(f"{title}\n\n{part}" if title else part for title, part in parts.items())
    print(f"\n{text}")
    save("model", found)
    record(
        "model", _ABOUT, text, ["scikit-learn", "numpy", "scipy"], [version_in(options.bench_python, "fasttext-wheel")]
    )
    return 0


def measured(name: str, folder: Path, fasttext_python: str) -> dict[str, Any]:
    """The figures of one contender: scores by split, training time, documents per second, and memory."""
    data = labelled(folder)
    fitting = answering = 0.0
    answered = 0
    parts: dict[str, list[dict[str, Any]]] = {}
    answers: dict[str, Answers] = {}
    digest = hashlib.sha256()
    for split, learn, test in splits(data):
        model = contender(name, fasttext_python)
        start = time.perf_counter()
        model.fit(list(data.narratives[learn]), list(data.labels[learn]))
        fitted = time.perf_counter()
        probabilities = model.predict_proba(list(data.narratives[test]))
        ended = time.perf_counter()
        seconds = {"fit": fitted - start, "predict": ended - fitted}
        if isinstance(model, FastText):
            seconds = model.last["seconds"]
        fitting, answering, answered = fitting + seconds["fit"], answering + seconds["predict"], answered + len(test)
        short = model.predict_proba([shortened(text) for text in data.narratives[test]])
        parts.setdefault(split, []).append(_scores(data.labels[test], model.classes_, probabilities, short))
        named = model.classes_[probabilities.argmax(axis=1)]
        before = answers.get(split, Answers([], [], []))
        truth, groups = data.labels[test].tolist(), data.groups[test].tolist()
        answers[split] = Answers(before.truth + truth, before.given + named.tolist(), before.groups + groups)
        digest.update("\n".join(named).encode())
    return {
        "contender": name,
        "rows": len(data.labels),
        "checksum": digest.hexdigest(),
        "seconds": fitting / sum(map(len, parts.values())),
        "peak_memory_mb": _peak_memory_mb(model),
        "documents_per_second": answered / answering,
        "model_mb": model.megabytes(),
        **{split: _mean(each) for split, each in parts.items()},
        "answers": answers,
    }


def _peak_memory_mb(model: object) -> float:
    # fastText runs in a process below this one.
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    return children if isinstance(model, FastText) else own_peak_memory_mb()


def _scores(
    labels: npt.NDArray[np.str_], classes: npt.NDArray[Any], probabilities: npt.NDArray[Any], short: npt.NDArray[Any]
) -> dict[str, Any]:
    answers = classes[probabilities.argmax(axis=1)]
    names = sorted(set(labels))
    each = f1_score(labels, answers, labels=names, average=None, zero_division=0)
    return {
        "accuracy": float(accuracy_score(labels, answers)),
        "macro_f1": float(each.mean()),
        "short_macro_f1": float(f1_score(labels, classes[short.argmax(axis=1)], labels=names, average="macro")),
        "calibration_error": expected_calibration_error(probabilities.max(axis=1), answers == labels),
        "f1": dict(zip(names, map(float, each), strict=True)),
    }


def _mean(folds: list[dict[str, Any]]) -> dict[str, Any]:
    f1 = {name: float(np.mean([fold["f1"].get(name, 0.0) for fold in folds])) for name in folds[0]["f1"]}
    return {name: float(np.mean([fold[name] for fold in folds])) for name in _SCORES} | {"f1": f1}


def _overview(found: list[dict[str, Any]]) -> str:
    header = ["", *(f"{split} {what}" for split in _SPLITS for what in ("acc", "F1", "short", "ECE"))]
    rows = []
    for each in found:
        scores = [f"{each[split][name]:.4f}" for split in _SPLITS for name in _SCORES]
        cost = [f"{each['seconds']:.1f}", f"{each['documents_per_second']:,.0f}", f"{each['model_mb']:.1f}"]
        rows.append([each["contender"], *scores, *cost, f"{each['peak_memory_mb']:,.0f}"])
    return table([*header, "train s", "docs/s", "model MB", "peak MB"], rows)


def _classes(found: list[dict[str, Any]]) -> str:
    names = sorted(found[0]["random"]["f1"])
    rows = [[each["contender"], *(f"{each['random']['f1'][name]:.3f}" for name in names)] for each in found]
    return table(["", *names], rows)


def _differences(answers: dict[str, dict[str, Answers]]) -> str:
    """By contender and split, how much macro-F1 ours has beyond it."""
    rows = []
    for name in answers:
        if name == "ours":
            continue
        cells = [name]
        for split in _SPLITS:
            ours, theirs = answers["ours"][split], answers[name][split]
            found = compared(ours.truth, ours.given, theirs.given, ours.groups)["macro_f1_difference"]
            cells.append(f"{found['estimate']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})")
        rows.append(cells)
    return table(["", *_SPLITS], rows)


def _learning_curve(folder: Path) -> str:
    """The scores of ours, trained on a half, a quarter and an eighth of the rows, too."""
    data = labelled(folder)
    _, learn, test = next(splits(data))
    order, rows = np.random.default_rng(_SEED).permutation(learn), []
    for parts in (8, 4, 2, 1):
        few = np.sort(order[: len(order) // parts])
        model = contender("ours", "").fit(list(data.narratives[few]), list(data.labels[few]))
        probabilities = model.predict_proba(list(data.narratives[test]))
        found = _scores(data.labels[test], model.classes_, probabilities, probabilities)
        rows.append([f"1/{parts}", f"{len(few):,}", f"{found['accuracy']:.4f}", f"{found['macro_f1']:.4f}"])
    return table(["share", "rows", "acc", "F1"], rows)


if __name__ == "__main__":
    sys.exit(main())
