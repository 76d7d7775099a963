"""Evaluation: the serving code's answers, measured as scikit-learn does, beside those of the model in service."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from baseline import load
from model_archive import ModelRefusedError
from sklearn.metrics import classification_report, confusion_matrix

from tests.inference.small_model import TAUGHT, fitted, rewrite, save
from tests.monitoring.processing import SERVING, Processing

CLASSES = ["card", "mortgage", "student_loan"]
TEST = [
    ("A fee on my card.", "card"),
    ("The card and its charge.", "card"),
    ("The escrow of my mortgage.", "mortgage"),
    ("My student loan for college.", "student_loan"),
    ("My mortgage on the house.", "card"),
    ("A loan.", "mortgage"),
]
NEWEST = [("A fee on my card, again.", "card"), ("An escrow.", "mortgage")]


@pytest.fixture
def job(tmp_path: Path) -> Processing:
    """A job with a model and no rows yet."""
    found = Processing(tmp_path / "job")
    save(tmp_path / "unpacked")
    return found


def evaluated(job: Processing, **changed: str) -> dict[str, Any]:
    digest = job.put_model("model", job.folder.parent / "unpacked")
    return job.evaluate(**{"sha256": digest} | changed)


def beside(job: Processing, folder: Path, **changed: str) -> dict[str, Any]:
    """The evaluation with the model of a folder in service."""
    digest = job.put_model("in-service-model", folder)
    return evaluated(job, **{"in_service": "v3", "in_service_sha256": digest} | changed)


def test_each_slice_is_measured_as_scikit_learn_measures_it(job: Processing) -> None:
    job.put_rows("test", TEST, parts=2)
    job.put_rows("newest", NEWEST)
    document = evaluated(job)
    labels, answers = [label for _, label in TEST], fitted().pipeline.predict([text for text, _ in TEST])
    report = classification_report(labels, answers, output_dict=True, zero_division=0)
    test = document["slices"]["test"]
    assert (document["classes"], [*document["slices"]]) == (CLASSES, ["newest", "test"])
    assert (test["n"], document["slices"]["newest"]["n"], document["overall"]["n"]) == (6, 2, 8)
    assert (test["accuracy"], test["macro_f1"]) == (report["accuracy"], pytest.approx(report["macro avg"]["f1-score"]))
    assert 0 < test["accuracy"] < 1, "the case is not all right and not all wrong"
    assert test["confusion"] == {"labels": CLASSES, "rows": confusion_matrix(labels, answers, labels=CLASSES).tolist()}
    assert {
        name: [scores[each] for each in ("precision", "recall", "f1", "support")]
        for name, scores in test["per_class"].items()
    } == {
        name: pytest.approx([report[name][each] for each in ("precision", "recall", "f1-score", "support")])
        for name in CLASSES
    }
    assert (document["in_service"], document["comparison"]) == (None, None)


def test_the_baseline_is_of_the_model_that_was_evaluated_and_there_is_none_of_few_complaints(job: Processing) -> None:
    job.put_rows("test", TEST)
    evaluated(job)
    stored = job.folder / "output" / "baseline.json"
    assert not stored.exists()
    job.put_rows("newest", NEWEST * 60)
    document = evaluated(job)
    found = load(json.loads(stored.read_text()), document["model_sha256"])
    assert (found.classes, found.document["n"]) == (CLASSES, 126)
    assert found.document["accuracy"]["estimate"] == pytest.approx(document["overall"]["accuracy"])


def test_the_answer_to_each_complaint_is_kept_and_no_narrative(job: Processing) -> None:
    job.put_rows("test", TEST)
    evaluated(job)
    rows = pq.read_table(job.folder / "output" / "predictions.parquet").to_pylist()
    assert [row["complaint_id"] for row in rows] == [f"test-{number:06}" for number in range(6)]
    assert [row["predicted_product"] for row in rows] == [*fitted().pipeline.predict([text for text, _ in TEST])]
    for row in rows:
        assert sum(row["probabilities"]) == pytest.approx(1, abs=1e-6)
        assert max(row["probabilities"]) == pytest.approx(row["confidence"], abs=1e-6)
        assert row["in_service_product"] is None
    written = b"".join(path.read_bytes() for path in (job.folder / "output").iterdir())
    assert b"escrow of my" not in written


def test_a_slice_without_rows_has_no_metrics(job: Processing) -> None:
    job.put_rows("test", TEST)
    job.put_rows("newest", [])
    assert [*evaluated(job)["slices"]] == ["test"]


def test_nothing_to_evaluate_on_fails_and_names_the_folder(job: Processing) -> None:
    with pytest.raises(ValueError, match=r"/held-out holds no slice to evaluate on: fate=test or fate=newest$"):
        evaluated(job)


def test_a_missing_model_fails_and_names_the_folder(job: Processing) -> None:
    job.put_rows("test", TEST)
    with pytest.raises(FileNotFoundError, match=r"/model holds 0 files where one model\.tar\.gz was expected"):
        job.evaluate(sha256="0" * 64)


def test_a_model_that_is_not_the_one_that_was_trained_is_not_even_opened(job: Processing) -> None:
    job.put_rows("test", TEST)
    with pytest.raises(ModelRefusedError, match=f"has SHA-256 [0-9a-f]{{64}}, but .* trained has {'0' * 64}: "):
        evaluated(job, sha256="0" * 64)
    assert not (job.folder / "output").exists()


def test_the_same_model_agrees_with_itself_and_is_known_by_its_content(job: Processing) -> None:
    """Its archive has other bytes: SageMaker packs times, too."""
    job.put_rows("test", TEST)
    job.put_rows("newest", NEWEST)
    document = beside(job, job.folder.parent / "unpacked", in_service_run_id="none")
    found = document["comparison"]["overall"]
    assert (found["n"], found["differ"], found["agreement"], found["seen_by_in_service"]) == (8, 0, 1.0, None)
    assert found["macro_f1_difference"] == {"estimate": 0, "low": 0, "high": 0}
    assert document["in_service"]["content_sha256"] == document["content_sha256"]
    assert document["in_service"]["slices"] == document["slices"]


def test_a_model_that_was_taught_otherwise_differs_and_who_is_right_is_counted(job: Processing) -> None:
    job.put_rows("test", TEST)
    folder = save(job.folder.parent / "other")
    rewrite(folder, classes=["mortgage", "card", "student_loan"])
    document = beside(job, folder)
    ours, theirs = document["slices"]["test"], document["in_service"]["slices"]["test"]
    found = document["comparison"]["test"]
    assert found["differ"] == found["challenger_right"] + found["in_service_right"] + found["both_wrong"] > 0
    assert found["accuracy_difference"]["estimate"] == pytest.approx(ours["accuracy"] - theirs["accuracy"])
    assert found["macro_f1_difference"]["estimate"] == pytest.approx(ours["macro_f1"] - theirs["macro_f1"])
    assert found["per_class"]["card"]["recall_difference"]["estimate"] == pytest.approx(
        ours["per_class"]["card"]["recall"] - theirs["per_class"]["card"]["recall"]
    )


def test_each_model_is_scored_by_the_code_of_its_own_release(job: Processing) -> None:
    """Modules of the same names, other answers: here an older release that knew one class only.

    One of its modules has the name of one of the evaluation's.
    """
    older = job.folder.parent / "older"
    older.mkdir()
    for path in SERVING.glob("*.py"):
        (older / path.name).write_text(path.read_text())
    text = (older / "inference.py").read_text()
    assert "str(name)" in text
    text = text.replace("import json\n", "import json\nimport issues as of_release\n")
    (older / "inference.py").write_text(
        text.replace('"predicted_product": str(name)', '"predicted_product": of_release.ONLY')
    )
    (older / "issues.py").write_text('ONLY = "card"\n')
    job.put_rows("test", TEST)
    digest = job.put_model("in-service-model", job.folder.parent / "unpacked")
    document = evaluated(job, in_service="v3", in_service_sha256=digest, in_service_code=str(older))
    assert document["in_service"]["slices"]["test"]["per_class"]["card"]["recall"] == 1
    assert document["slices"]["test"]["per_class"]["card"]["recall"] < 1


def test_complaints_that_the_model_in_service_was_trained_on_are_left_out_of_the_comparison(job: Processing) -> None:
    """By their id, or by their narrative: it is right about them for the wrong reason."""
    job.put_rows("test", TEST)
    job.put_trained(
        "in-service-train",
        [("another text", "card"), (TEST[2][0].upper(), "card")],
        complaint_id=["test-000000", "elsewhere"],
    )
    document = beside(job, job.folder.parent / "unpacked", in_service_run_id="of v3")
    found = document["comparison"]["test"]
    assert (found["n"], found["seen_by_in_service"]) == (4, 2)
    assert document["slices"]["test"]["n"] == 6


def test_a_model_in_service_that_cannot_be_scored_is_no_reason_to_fail(job: Processing) -> None:
    job.put_rows("test", TEST)
    folder = save(job.folder.parent / "old")
    rewrite(folder, scikit_learn="1.4.2")
    document = beside(job, folder)
    assert document["in_service"]["version"] == "v3"
    assert "made by scikit-learn 1.4.2" in document["in_service"]["error"]
    assert document["comparison"] is None
    assert document["slices"]["test"]["n"] == 6


def test_serving_code_that_ends_the_process_is_no_reason_to_fail(job: Processing) -> None:
    job.put_rows("test", TEST)
    code = job.folder.parent / "ends"
    code.mkdir()
    (code / "inference.py").write_text("import os\nos._exit(7)\n")
    document = beside(job, job.folder.parent / "unpacked", in_service_code=str(code))
    assert document["in_service"]["error"] == "score.py ended with 7"


def test_narratives_on_both_sides_are_counted_and_named_by_their_ids(job: Processing) -> None:
    job.put_rows("test", TEST)
    assert evaluated(job)["leak"] == {"rows": 0, "complaint_ids": []}
    job.put_trained("train", [("  a FEE on my  card.", "card"), ("Unlike any other.", "card")])
    assert evaluated(job)["leak"] == {"rows": 1, "complaint_ids": ["test-000000"]}


def test_accuracy_is_by_month_and_company_where_there_are_complaints_enough(job: Processing) -> None:
    rows = [("A fee on my card.", "card")] * 60
    months = [date(2026, 1 + number // 30, 1) for number in range(60)]
    job.put_rows("test", rows, received_on=months, company=["Large"] * 40 + ["Small"] * 20)
    found = evaluated(job)["slices"]["test"]
    assert [(each["month"], each["n"]) for each in found["by_month"]] == [("2026-01", 30), ("2026-02", 30)]
    assert [(each["company"], each["n"], each["accuracy"]) for each in found["by_company"]] == [("Large", 40, 1.0)]


def test_more_rows_than_are_scored_at_a_time_keep_their_order(job: Processing) -> None:
    rows = [(texts[0], name) for name, texts in TAUGHT.items()] * 1_700
    job.put_rows("test", rows)
    assert evaluated(job)["slices"]["test"]["accuracy"] == 1
