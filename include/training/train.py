"""SageMaker training script: labelled complaints in Parquet in, a model folder out.

Follows SageMaker's script mode: hyperparameters are arguments, folders come from `SM_*`. The same rows, the same
hyperparameters and the same seed give the same bytes.

With `validation_fraction`, as a tuning job passes it, a share of the rows is scored instead of learned from, and the
log has the objective: `validation:macro_f1=0.812345`.

With `issues_top`, the model also answers the second question, which issue a complaint has: one of that many frequent
issues, or `issues_other`. They come from the column `issue` of the rows.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from issue_classifier import fit_issues
from labelled_rows import LabelledRows, TrainingDataError
from model_folder import TrainedModel, save
from narrative_groups import digest, validation_rows
from ngram_classifier import fit_classifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline
from subwords import largest_classes_capped

# A word is two or more of the letters a to z, without the s of a plural and without redactions (XXXX): neither case,
# nor punctuation, nor digits, nor lemmatising helps to separate classes. The serving code relies on this pattern.
WORD = r"(?<![a-z])(?!xx)([a-z]{2,}?)(?=s?(?![a-z]))"

# Tried on real complaints: issues have fewer of them, and are harder to tell apart.
_ISSUE_C = 2.5  # times the C of the products

Rows = list[tuple[str, str]]  # narrative, label


def main(argv: Sequence[str] | None = None) -> None:
    """Trains on the channel `train`, and on `held_out` if there is one; writes the model into `SM_MODEL_DIR`."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--ngram_max", type=int, default=2)
    parser.add_argument("--min_df", type=int, default=2)
    parser.add_argument("--max_df", type=float, default=0.95)
    parser.add_argument("--max_features", type=int, default=200_000)
    parser.add_argument("--C", type=float, default=0.2)
    parser.add_argument("--balance", type=float, default=0.75)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--min_class_rows", type=int, default=5)
    parser.add_argument("--max_class_rows", type=int, default=100_000)
    parser.add_argument("--validation_fraction", type=float, default=0.0)
    parser.add_argument("--issues_top", type=int, default=0)
    parser.add_argument("--issues_other", default="other")
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--held-out", type=Path, default=os.environ.get("SM_CHANNEL_HELD_OUT"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    options, _ = parser.parse_known_args(argv)

    rows = LabelledRows.of(options.train)
    check_classes(rows.labels, options.min_class_rows)
    unseen: Rows = []
    # A tuning job looks for what is best for the first question.
    issues = read_issues(options) if options.issues_top and not options.validation_fraction else None
    if options.validation_fraction:
        rows, unseen = without_validation(rows, options.validation_fraction)
    channels = [rows]
    if options.held_out:
        channels.append(held_out_rows(options.held_out, {*rows.labels}))
    labels = [label for channel in channels for label in channel.labels]
    print(f"train_rows={len(labels)}", flush=True)
    which, stands_for = _capped(labels, options)
    model = learned(
        _narratives(channels, which),
        [labels[row] for row in which],
        stands_for,
        options,
        issues and [issues[row] for row in which],
    )
    print(f"features={len(model.pipeline['tfidf'].vocabulary_)}", flush=True)
    if unseen:
        print(f"validation_rows={len(unseen)}", flush=True)
        print(f"validation:macro_f1={macro_f1(model, unseen):.6f}", flush=True)
    save(model, options.model_dir, training_rows=len(labels))


def without_validation(rows: LabelledRows, fraction: float) -> tuple[LabelledRows, Rows]:
    """Rows to learn from, and those to validate on.

    Raises:
        TrainingDataError: no class has narratives enough.
    """
    held_out = np.array(validation_rows(rows.digests(), rows.labels, fraction))
    if not held_out.any():
        raise TrainingDataError(
            f"validation_fraction {fraction} of {len(held_out)} complaints leaves nothing to validate on: raise it, or "
            "add complaints"
        )
    unseen = rows.chosen(held_out)
    return rows.chosen(~held_out), list(zip(unseen.narratives(), unseen.labels, strict=True))


def macro_f1(model: TrainedModel, rows: Rows) -> float:
    """The mean F1 of the classes that the rows have."""
    answers = model.pipeline.predict([text for text, _ in rows])
    truth = [label for _, label in rows]
    return float(f1_score(truth, answers, labels=sorted({*truth}), average="macro", zero_division=0.0))


def held_out_rows(folder: Path, known: Set[str]) -> LabelledRows:
    """The rows that were held out until the model was evaluated, of the classes that it knew."""
    rows = LabelledRows.of(folder)
    return rows.chosen(np.array([label in known for label in rows.labels]))


def _narratives(channels: Sequence[LabelledRows], which: npt.NDArray[np.intp]) -> list[str]:
    """The narratives with these numbers over all channels, which are in order."""
    texts, start = [], 0
    for channel in channels:
        end = start + len(channel.labels)
        texts += channel.chosen(which[(which >= start) & (which < end)] - start).narratives()
        start = end
    return texts


def read_issues(options: argparse.Namespace) -> list[str | None]:
    """The issues of the rows to train on, in their order; None where a complaint has none."""
    rows = _issues_by_label(options.train)
    known = {label for label, _ in rows}
    more = _issues_by_label(options.held_out) if options.held_out else []
    return [issue for _, issue in rows] + [issue for label, issue in more if label in known]


def _issues_by_label(folder: Path) -> list[tuple[str, str | None]]:
    columns = ["complaint_id", "label", "issue"]
    tables = [pq.ParquetFile(file).read(columns=columns) for file in sorted(folder.rglob("*.parquet"))]
    rows = [row for table in tables for row in zip(*(table[name].to_pylist() for name in columns), strict=True)]
    return [(label, issue) for _, label, issue in sorted(rows, key=lambda row: str(row[0]))]


def check_classes(labels: Sequence[str], least: int) -> None:
    """Refuses labels that no model can separate.

    Raises:
        TrainingDataError: there is only one class, or one with fewer than `least` complaints.
    """
    counts = Counter(labels)
    if len(counts) < 2:
        rules = "the rules of `labels` in model_config.yaml must find at least two"
        raise TrainingDataError(f"only one class to learn from: {dict(counts)}; {rules}")
    rare = {name: count for name, count in sorted(counts.items()) if count < least}
    if rare:
        remedy = "add such complaints, or change `labels` or training.min_class_rows in model_config.yaml"
        raise TrainingDataError(f"too few complaints to learn from: {rare}; each class needs {least}: {remedy}")


def _capped(labels: Sequence[str], options: argparse.Namespace) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The rows to learn from, and for how many each of them stands; prints their number if some are left out."""
    _, which = np.unique(np.asarray(labels), return_inverse=True)
    rows, stands_for = largest_classes_capped(which, getattr(options, "max_class_rows", len(labels)), options.seed)
    if len(rows) < len(labels):
        print(f"capped_rows={len(rows)}", flush=True)
    return rows, stands_for


def _vectorizer(options: argparse.Namespace, rows: int) -> TfidfVectorizer:
    return TfidfVectorizer(
        token_pattern=WORD,
        ngram_range=(1, options.ngram_max),
        min_df=min(options.min_df, max(1, rows // 100)),
        max_df=options.max_df,
        max_features=options.max_features,
        sublinear_tf=True,
    )


def fit(
    narratives: Sequence[str],
    labels: Sequence[str],
    options: argparse.Namespace,
    issues: Sequence[str | None] | None = None,
) -> TrainedModel:
    """The model that is learned from these complaints; of a class with more than `max_class_rows`, from so many.

    `issues`, by narrative, are for the second question; without them it has no answer.

    Raises:
        TrainingDataError: the narratives hold no word often enough.
    """
    rows, stands_for = _capped(labels, options)
    return learned(
        [narratives[row] for row in rows],
        [labels[row] for row in rows],
        stands_for,
        options,
        issues and [issues[row] for row in rows],
    )


def learned(
    narratives: list[str],
    labels: Sequence[str],
    stands_for: npt.NDArray[np.float64],
    options: argparse.Namespace,
    issues: Sequence[str | None] | None = None,
) -> TrainedModel:
    """A word n-gram TF-IDF and a linear classifier with calibrated probabilities, fitted. Empties `narratives`.

    `stands_for` says for how many complaints each narrative counts.

    Raises:
        TrainingDataError: the narratives hold no word often enough.
    """
    tfidf = _vectorizer(options, len(labels))
    try:
        features = tfidf.fit_transform(narratives)
    except ValueError as error:
        raise TrainingDataError(f"no word of {len(labels)} narratives can be learned from: {error}") from None
    groups = [digest(text) for text in narratives]
    narratives.clear()  # a million of them take a gigabyte, and the fit takes several
    terms = list(tfidf.get_feature_names_out())
    classifier, doubt = fit_classifier(
        *(features, terms, labels, groups),
        c=options.C,
        balance=options.balance,
        seed=options.seed,
        stands_for=stands_for,
    )
    answered = issues and fit_issues(
        *(features, terms, labels, issues, groups, stands_for),
        most=options.issues_top,
        other=options.issues_other,
        c=_ISSUE_C * options.C,
        balance=options.balance,
        seed=options.seed,
    )
    return TrainedModel(Pipeline([("tfidf", tfidf), ("classifier", classifier)]), doubt, answered or None)


if __name__ == "__main__":
    main()
