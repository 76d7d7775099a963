"""Evaluation: the serving code's answers, measured as scikit-learn measures them."""

import hashlib
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import classification_report, confusion_matrix
from trained_model import ModelRefusedError

from tests.inference.small_model import fitted, save, scorer

CLASSES = ["card", "mortgage", "student_loan"]
TEST = [
    ("A fee on my card.", "card"),
    ("The card and its charge.", "card"),
    ("The escrow of my mortgage.", "mortgage"),
    ("My student loan for college.", "student_loan"),
    ("My mortgage on the house.", "card"),
    ("A loan.", "mortgage"),
]
NEWEST = [("A fee on my card.", "card"), ("An escrow.", "mortgage")]


def write(folder: Path, rows: Sequence[tuple[str, str]], parts: int = 1) -> None:
    folder.mkdir(parents=True)
    for part in range(parts):
        texts, labels = ([row[place] for row in rows[part::parts]] for place in (0, 1))
        table = pa.table({"narrative": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())})
        pq.write_table(table, folder / f"part-{part}.parquet")


@pytest.fixture
def processing(tmp_path: Path) -> Path:
    """What a processing job finds: `model/model.tar.gz` and an empty `held_out/`."""
    packed = save(tmp_path / "unpacked")
    (tmp_path / "model").mkdir()
    with tarfile.open(tmp_path / "model" / "model.tar.gz", "w:gz") as archive:
        for path in sorted(packed.iterdir()):
            archive.add(path, path.name)
    (tmp_path / "held_out").mkdir()
    return tmp_path


def digest(processing: Path) -> str:
    return hashlib.sha256((processing / "model" / "model.tar.gz").read_bytes()).hexdigest()


def evaluation(processing: Path, sha256: str | None = None) -> dict[str, Any]:
    folders = {"--model": "model", "--held-out": "held_out", "--output": "output/evaluation"}
    arguments = [part for name, folder in folders.items() for part in (name, str(processing / folder))]
    evaluate.main([*arguments, "--run-id", "a-run", "--sha256", sha256 or digest(processing)])
    document: dict[str, Any] = json.loads((processing / "output" / "evaluation" / "evaluation.json").read_text())
    return document


def prediction(product: str, confidence: float = 1.0) -> dict[str, Any]:
    return {"predicted_product": product, "confidence": confidence}


def test_each_slice_is_measured_as_scikit_learn_measures_it(processing: Path) -> None:
    write(processing / "held_out" / "fate=test", TEST, parts=2)
    write(processing / "held_out" / "fate=newest", NEWEST)
    document = evaluation(processing)
    labels, answers = [label for _, label in TEST], fitted().pipeline.predict([text for text, _ in TEST])
    report = classification_report(labels, answers, output_dict=True, zero_division=0)
    test = document["slices"]["test"]
    assert (document["classes"], [*document["slices"]]) == (CLASSES, ["newest", "test"])
    assert (test["n"], document["slices"]["newest"]["n"]) == (6, 2)
    assert (test["accuracy"], test["macro_f1"]) == (report["accuracy"], pytest.approx(report["macro avg"]["f1-score"]))
    assert test["confusion"] == {"labels": CLASSES, "rows": confusion_matrix(labels, answers, labels=CLASSES).tolist()}
    assert {name: [*scores.values()] for name, scores in test["per_class"].items()} == {
        name: pytest.approx([report[name][each] for each in ("f1-score", "precision", "recall", "support")])
        for name in CLASSES
    }


def test_the_case_is_not_all_right_and_not_all_wrong(processing: Path) -> None:
    write(processing / "held_out" / "fate=test", TEST)
    assert 0 < evaluation(processing)["slices"]["test"]["accuracy"] < 1


def test_macro_f1_is_over_the_classes_that_occur_and_a_class_that_does_not_has_zeros() -> None:
    metrics = evaluate.slice_metrics(["card", "card"], [prediction("card"), prediction("card")], CLASSES)
    assert metrics["macro_f1"] == 1.0
    assert metrics["per_class"]["mortgage"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_a_label_that_the_model_never_learned_counts_against_it() -> None:
    metrics = evaluate.slice_metrics(["card", "new"], [prediction("card"), prediction("card")], CLASSES)
    assert metrics["accuracy"] == 0.5
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert metrics["confusion"]["labels"] == ["card", "mortgage", "new", "student_loan"]


def test_what_always_answering_the_most_frequent_class_would_reach_is_said() -> None:
    labels = ["mortgage", "card", "mortgage", "student_loan"]
    metrics = evaluate.slice_metrics(labels, [prediction("card")] * 4, CLASSES)
    assert (metrics["accuracy"], metrics["majority_accuracy"]) == (0.25, 0.5)


def test_the_calibration_error_of_a_known_case() -> None:
    # Bins 0.9 to 1: two answers, confidence 1.95, one right: gap 0.95. Bin 0.5 to 0.6: three, 1.6, two right: gap 0.4.
    confidences, correct = np.array([1.0, 0.95, 0.5, 0.55, 0.55]), np.array([False, True, True, True, False])
    assert evaluate.expected_calibration_error(confidences, correct) == pytest.approx((0.95 + 0.4) / 5)


def test_confidence_that_is_accuracy_has_no_calibration_error() -> None:
    assert evaluate.expected_calibration_error(np.array([0.5, 0.5]), np.array([True, False])) == 0


def test_a_slice_without_rows_has_no_metrics(processing: Path) -> None:
    write(processing / "held_out" / "fate=test", TEST)
    write(processing / "held_out" / "fate=newest", [])
    assert [*evaluation(processing)["slices"]] == ["test"]


@pytest.mark.parametrize("gone", [True, False], ids=["no folder", "an empty folder"])
def test_nothing_to_evaluate_on_fails_and_names_the_folder(processing: Path, gone: bool) -> None:
    if gone:
        (processing / "held_out").rmdir()
    with pytest.raises(ValueError, match=r"/held_out holds no slice to evaluate on: fate=test or fate=newest$"):
        evaluation(processing)


def test_a_missing_model_fails_and_names_the_file(processing: Path) -> None:
    (processing / "model" / "model.tar.gz").unlink()
    write(processing / "held_out" / "fate=test", TEST)
    with pytest.raises(FileNotFoundError, match=r"model\.tar\.gz"):
        evaluation(processing, "0" * 64)


def test_the_evaluation_says_of_which_run_and_of_which_bytes_it_is(processing: Path) -> None:
    write(processing / "held_out" / "fate=test", TEST)
    document = evaluation(processing)
    assert (document["run_id"], document["model_sha256"]) == ("a-run", digest(processing))


def test_a_model_that_is_not_the_one_that_was_trained_is_not_even_opened(processing: Path) -> None:
    write(processing / "held_out" / "fate=test", TEST)
    with pytest.raises(ModelRefusedError, match=f"has SHA-256 {digest(processing)}, but .* trained has {'0' * 64}: "):
        evaluation(processing, "0" * 64)
    assert not (processing / "output").exists()


def test_more_rows_than_are_scored_at_a_time_keep_their_order() -> None:
    texts = ["A fee on my card.", "The escrow of my mortgage.", "My student loan."] * 1_667 + ["A fee on my card."]
    answers = [answer["predicted_product"] for answer in evaluate.predicted(texts, scorer())]
    assert answers == CLASSES * 1_667 + ["card"]
