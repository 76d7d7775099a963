"""SageMaker processing script: a trained model and the slices that it never saw in, `evaluation.json` out.

The model is scored by the code that will serve it. The slices are the folders `fate=<slice>` of Parquet with
narrative and label; each that holds rows gets the metrics that `slice_metrics` describes. The evaluation says of which
run and of which model's bytes it is, so that it vouches for no other.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from inference import model_fn, predict_fn
from model_archive import check_digest, unpack
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

_BATCH = 5_000  # narratives scored at a time


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluates the model.tar.gz below `--model` on the slices below `--held-out`."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("--model", "--held-out", "--output"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--run-id", required=True, help="the run that the model belongs to")
    parser.add_argument("--sha256", required=True, help="the digest of the model that was trained")
    options = parser.parse_args(argv)

    archive = options.model / "model.tar.gz"
    check_digest(archive, options.sha256)
    with tempfile.TemporaryDirectory() as folder:
        unpack(archive, Path(folder))
        model = model_fn(folder)
    classes = [str(name) for name in model.classes_]
    slices: dict[str, Any] = {}
    for path in sorted(options.held_out.glob("fate=*")):
        name = path.name.removeprefix("fate=")
        narratives, labels = read_slice(path)
        if not labels:
            continue
        slices[name] = slice_metrics(labels, predicted(narratives, model), classes)
        print(f"{name}: n={len(labels)} macro_f1={slices[name]['macro_f1']:.4f}", flush=True)
    if not slices:
        raise ValueError(f"{options.held_out} holds no slice to evaluate on: fate=test or fate=newest")
    options.output.mkdir(parents=True, exist_ok=True)
    document = {"run_id": options.run_id, "model_sha256": options.sha256, "classes": classes, "slices": slices}
    text = json.dumps(document, indent=2, sort_keys=True)
    (options.output / "evaluation.json").write_text(text, encoding="utf-8")


def read_slice(folder: Path) -> tuple[list[str], list[str]]:
    """Narratives and labels of one slice."""
    tables = [pq.ParquetFile(file).read(columns=["narrative", "label"]) for file in sorted(folder.rglob("*.parquet"))]
    narratives = [text for table in tables for text in table["narrative"].to_pylist()]
    labels = [label for table in tables for label in table["label"].to_pylist()]
    return narratives, labels


def predicted(narratives: Sequence[str], model: Any) -> list[dict[str, Any]]:
    """The predictions of the serving code, in order."""
    found = []
    for start in range(0, len(narratives), _BATCH):
        records = [{"complaint_id": None, "narrative": text} for text in narratives[start : start + _BATCH]]
        found += predict_fn(records, model)
        print(f"{len(found):,} of {len(narratives):,} scored", flush=True)
    return found


def slice_metrics(
    labels: Sequence[str], predictions: Sequence[dict[str, Any]], classes: Sequence[str]
) -> dict[str, Any]:
    """Accuracy, macro-F1, per-class scores, confusion (rows true, columns predicted) and calibration of a slice.

    Macro-F1 is over the classes that occur in the slice. `majority_accuracy` is what always answering the slice's
    most frequent class would reach.
    """
    names = sorted({*classes, *labels})
    answers = [prediction["predicted_product"] for prediction in predictions]
    precision, recall, f1, support = precision_recall_fscore_support(labels, answers, labels=names, zero_division=0)
    confidences = np.array([prediction["confidence"] for prediction in predictions])
    correct = np.array([answer == label for answer, label in zip(answers, labels, strict=True)])
    return {
        "n": len(labels),
        "accuracy": float(accuracy_score(labels, answers)),
        "macro_f1": float(f1_score(labels, answers, labels=sorted(set(labels)), average="macro", zero_division=0)),
        "majority_accuracy": Counter(labels).most_common(1)[0][1] / len(labels),
        "expected_calibration_error": expected_calibration_error(confidences, correct),
        "per_class": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for name, p, r, f, s in zip(names, precision, recall, f1, support, strict=True)
        },
        "confusion": {"labels": names, "rows": confusion_matrix(labels, answers, labels=names).tolist()},
    }


def expected_calibration_error(confidences: np.ndarray, correct: np.ndarray, bins: int = 10) -> float:
    """The average distance between confidence and accuracy, in ten bins of equal width (Guo et al., 2017)."""
    which = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = [abs(confidences[which == each].sum() - correct[which == each].sum()) for each in range(bins)]
    return float(sum(gaps) / len(confidences))


if __name__ == "__main__":
    main()
