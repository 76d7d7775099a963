"""The monitoring job on the files of a classification: what it finds, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import monitor
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from baseline import BaselineRefusedError, baseline_document

from tests.campaign.faults import Fault, injects
from tests.monitoring.windows import CLASSES, VOCABULARY, complaints


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of 300 complaints, one of which could not be scored, and one more that has no narrative."""
    scored, labels = complaints(300, 21)
    ids = [str(number) for number in range(300)]
    records = [
        json.dumps({"complaint_id": each, "narrative": text}) for each, text in zip(ids, scored.narratives, strict=True)
    ]
    answers = [
        {"complaint_id": each, "predicted_product": answer, "confidence": float(sure), "known_ngrams": 9}
        for each, answer, sure in zip(ids, scored.predicted, scored.confidence, strict=True)
    ]
    scores = [json.dumps(each) for each in reversed([*answers[:-1], {"complaint_id": "299", "error": "no narrative"}])]
    rows = [
        ("product", "complaint_id", "label", "fate"),
        *zip(["A card"] * 300, ids, labels, ["with_narrative"] * 300, strict=True),
        ("New", "x", "unmapped", "without_narrative"),
    ]
    account = {
        "scores": [
            {"label": "card", "predicted_product": "card", "seen": False, "rows": 80},
            {"label": "card", "predicted_product": "mortgage", "seen": False, "rows": 20},
            {"label": "card", "predicted_product": "card", "seen": True, "rows": 500},
            {"label": "unmapped", "predicted_product": "card", "seen": False, "rows": 3},
        ]
    }
    for name in ("records", "scores", "complaints", "account", "published", "model", "plan"):
        (tmp_path / name).mkdir()
    (tmp_path / "records" / "part-0.json").write_text("\n".join(records))
    (tmp_path / "records" / "_SUCCESS").touch()
    (tmp_path / "scores" / "part-0.json.out").write_text("\n".join(scores))
    columns = {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}
    pq.write_table(pa.table(columns), tmp_path / "complaints" / "a.parquet")
    (tmp_path / "account" / "part-00000.txt").write_text(json.dumps(account))
    (tmp_path / "plan" / "plan.json").write_text(json.dumps({"recent_cells": []}))
    held, truth = complaints(500, 1)
    document = baseline_document(held, truth, VOCABULARY, CLASSES, model_sha256="evaluated", level=0.01)
    (tmp_path / "model" / "baseline.json").write_text(json.dumps(document))
    return tmp_path


def monitored(run: Path, evaluated: str = "evaluated", served: str = "served") -> dict[str, Any]:
    folders = ("model", "records", "scores", "complaints", "account", "published", "plan", "output")
    arguments = [part for name in folders for part in (f"--{name}", str(run / name))]
    named = [
        "--run-id",
        "a-run",
        "--model-version",
        "v3",
        "--sha256",
        served,
        "--baseline-sha256",
        evaluated,
        "--least",
        "200",
    ]
    monitor.main([*arguments, *named])
    found: dict[str, Any] = json.loads((run / "output" / "monitoring.json").read_text())
    return found


def test_a_run_is_assessed_by_its_files_and_the_answers_find_their_records(run: Path) -> None:
    found = monitored(run)
    assert found["published_accuracy"] == {}
    assert (found["run_id"], found["model_version"], found["n"], found["violations"]) == ("a-run", "v3", 299, [])
    assert (
        found["estimated_accuracy"]["low"]
        < found["baseline_accuracy"]["estimate"]
        < found["estimated_accuracy"]["high"]
    )


def test_an_older_copy_of_a_complaint_counts_for_nothing(run: Path) -> None:
    older = {"complaint_id": ["0"], "product": ["Gone"], "label": ["unmapped"], "fate": ["superseded"]}
    pq.write_table(pa.table(older), run / "complaints" / "b.parquet")
    publish(run, "b", "v3", [("0", "card", None)])
    found = monitored(run)
    assert found["unknown_products"]["names"] == {}
    # The label is that of the newest copy, not of one that sorts before it.
    known = {"complaint_id": ["0"], "product": ["Older"], "label": ["elsewhere"], "fate": ["superseded"]}
    pq.write_table(pa.table(known), run / "complaints" / "0.parquet")
    assert monitored(run)["published_accuracy"] == found["published_accuracy"]


def test_labels_count_where_the_model_was_not_trained_on_them_and_those_of_earlier_windows_are_added(run: Path) -> None:
    recent = {"recent_cells": [["card", "card", 160], ["card", "mortgage", 40]]}
    (run / "plan" / "plan.json").write_text(json.dumps(recent))
    found = monitored(run)
    assert (found["delayed_accuracy"]["n"], found["delayed_accuracy"]["accuracy"]["estimate"]) == (100, 0.8)
    assert (found["recent_accuracy"]["n"], found["recent_accuracy"]["accuracy"]["estimate"]) == (300, 0.8)
    assert found["cells"] == [["card", "card", 80], ["card", "mortgage", 20]]


def publish(run: Path, name: str, version: str, rows: list[tuple[str, str, str | None]]) -> None:
    """Results of an earlier run: id, answer, and the product if there was one."""
    ids, answers, products = zip(*rows, strict=True)
    columns = {"complaint_id": ids, "predicted_product": answers, "product": products}
    constant = {"run_id": [name] * len(rows), "model_version": [version] * len(rows)}
    schema = [(each, pa.string()) for each in (*columns, *constant)]
    table = pa.table({each: list(value) for each, value in {**columns, **constant}.items()}, pa.schema(schema))
    pq.write_table(table, run / "published" / f"{name}.parquet")


def test_labels_of_a_later_export_are_joined_by_id_to_the_answers_that_were_published_without_any(run: Path) -> None:
    labels = pq.read_table(run / "complaints").to_pylist()
    first, second, third = [row for row in labels if row["label"] == "card"][:3]
    wrong = "mortgage"
    # The last but one had its label then, the last one never came again.
    rows = [(first["complaint_id"], "card", None), (second["complaint_id"], wrong, None)]
    publish(run, "a", "v2", [*rows, (third["complaint_id"], wrong, "A card"), ("elsewhere", wrong, None)])
    publish(run, "b", "v3", rows[:1])
    publish(run, "c", "v2", rows)  # the same complaints, classified again
    publish(run, "a-run", "v3", [(third["complaint_id"], wrong, None)])  # the run itself
    found = monitored(run)["published_accuracy"]
    assert {version: (each["n"], each["accuracy"]["estimate"]) for version, each in found.items()} == {
        "v2": (2, 0.5),
        "v3": (1, 1.0),
    }
    # Only the baseline of the model that is monitored is known.
    assert (found["v2"]["drop"], found["v3"]["drop"] is not None) == (None, True)


def test_the_table_has_a_row_for_each_figure(run: Path) -> None:
    publish(run, "b", "v3", [("0", "card", None)])
    assert monitored(run)["published_accuracy"]["v3"]["n"] == 1
    rows = pq.read_table(run / "output" / "monitoring.parquet").to_pylist()
    assert {row["figure"] for row in rows} == {
        *("complaints", "signal", "estimated_accuracy", "accuracy", "macro_f1", "drop", "published_accuracy")
    }
    assert {row["run_id"] for row in rows} == {"a-run"}
    signal = next(row for row in rows if row["of"] == "class_mix")
    assert signal["value"] < signal["threshold"]
    assert signal["moved"] is False


def test_the_confidence_of_a_fit_is_compared_with_that_of_no_other(run: Path) -> None:
    compared = {"class_mix", "length", "redactions", "top_terms", "unknown_words"}
    assert set(monitored(run)["signals"]) == compared
    assert set(monitored(run, served="evaluated")["signals"]) == {*compared, "confidence"}


def test_the_same_run_gives_the_same_document(run: Path) -> None:
    assert monitored(run) == monitored(run)


@injects(Fault.NO_BASELINE)
def test_without_a_baseline_of_this_model_nothing_is_compared(run: Path) -> None:
    with pytest.raises(BaselineRefusedError, match="SHA-256 evaluated, but the predictions are of another"):
        monitored(run, evaluated="another")
    (run / "model" / "baseline.json").unlink()
    with pytest.raises(BaselineRefusedError, match=r"no baseline\.json"):
        monitored(run)
    assert not (run / "output").exists()


def test_issues_are_monitored_beside_the_products_where_they_were_asked_for(run: Path) -> None:
    assert "issues" not in monitored(run)
    (path,) = (run / "account").iterdir()
    account = json.loads(path.read_text())
    account["issue_scores"] = [
        {"label": "Scam", "predicted_product": "Scam", "seen": False, "rows": 60},
        {"label": "Scam", "predicted_product": "other", "seen": False, "rows": 40},
        {"label": "Scam", "predicted_product": "Scam", "seen": True, "rows": 500},
        {"label": None, "predicted_product": "other", "seen": False, "rows": 7},
    ]
    path.write_text(json.dumps(account))
    baseline = json.loads((run / "model" / "baseline.json").read_text())
    baseline["issues"] = {"Scam": {"recall": 0.9, "support": 200}}
    (run / "model" / "baseline.json").write_text(json.dumps(baseline))
    issues = monitored(run)["issues"]
    assert issues["predicted"] == {"Scam": 560, "other": 47}
    assert (issues["delayed_accuracy"]["n"], issues["delayed_accuracy"]["accuracy"]["estimate"]) == (100, 0.6)
    assert issues["delayed_accuracy"]["drop"]["estimate"] == pytest.approx(0.3)
    named = pq.read_table(run / "output" / "monitoring.parquet").to_pylist()
    drawn = {row["figure"]: row["value"] for row in named if row["figure"].startswith("issue_")}
    assert set(drawn) == {"issue_accuracy", "issue_macro_f1", "issue_drop"}
    assert drawn["issue_accuracy"] == 0.6
