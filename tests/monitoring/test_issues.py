"""The second question is evaluated on the held-out complaints with an issue, given the product that they have."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import model_folder
import pytest
import train

from tests.monitoring.processing import Processing

SAID = {
    ("card", "Fees"): "the bank charged interest",
    ("mortgage", "Payment"): "the bank charged interest",
    ("card", "Scam"): "somebody stole my number",
    ("mortgage", "Closing"): "the closing took too long",
}
HELD_OUT = [(f"{said} of a {product}", product, issue) for (product, issue), said in SAID.items()]


def saved(folder: Path, top: int) -> Path:
    options = argparse.Namespace(ngram_max=2, min_df=1, max_df=1.0, max_features=500, C=1.0, balance=0.5, seed=13)
    options.issues_top, options.issues_other = top, "other"
    rows = [(f"{said} {product}", product, issue) for (product, issue), said in SAID.items() for _ in range(12)]
    texts, labels, issues = (list(column) for column in zip(*rows, strict=True))
    model_folder.save(train.fit(texts, labels, options, issues if top else None), folder, training_rows=len(rows))
    return folder


def put_held_out(job: Processing, *, with_issues: bool) -> None:
    rows = [*HELD_OUT, ("An escrow without an issue", "mortgage", None), ("A new fee", "card", "New")]
    columns = {"issue": [issue for *_, issue in rows]} if with_issues else {}
    job.put_rows("test", [(text, label) for text, label, _ in rows], **columns)


@pytest.fixture
def job(tmp_path: Path) -> Processing:
    return Processing(tmp_path / "job")


def test_each_slice_has_the_scores_of_the_complaints_with_an_issue(job: Processing, tmp_path: Path) -> None:
    put_held_out(job, with_issues=True)
    digest = job.put_model("model", saved(tmp_path / "model", 3))
    document = job.evaluate(sha256=digest)
    issues = document["issues"]
    # Three of four equally frequent ones, by name; Scam and what nobody knows are the others.
    assert (issues["classes"], issues["other"]) == (["Closing", "Fees", "Payment", "other"], "other")
    assert (issues["overall"]["n"], issues["slices"]["test"]["n"]) == (5, 5)
    assert issues["overall"]["per_class"]["Fees"]["recall"] == 1.0
    assert issues["overall"]["per_class"]["other"]["support"] == 2
    assert issues["overall"]["top_3"] >= issues["overall"]["accuracy"] >= 0.8
    assert document["overall"]["n"] == 6


@pytest.mark.parametrize(("top", "with_issues"), [(0, True), (3, False)], ids=["no model of issues", "no issues"])
def test_there_are_no_scores_where_nobody_asks(job: Processing, tmp_path: Path, top: int, with_issues: bool) -> None:
    put_held_out(job, with_issues=with_issues)
    document = job.evaluate(sha256=job.put_model("model", saved(tmp_path / "model", top)))
    assert "issues" not in document
    records = json.loads(json.dumps(document["overall"]))
    assert records["n"] == 6


def test_two_models_that_answer_are_compared_on_the_issues_that_either_knows(job: Processing, tmp_path: Path) -> None:
    put_held_out(job, with_issues=True)
    ours = job.put_model("model", saved(tmp_path / "model", 3))
    theirs = job.put_model("in-service-model", saved(tmp_path / "theirs", 1))
    document = job.evaluate(sha256=ours, in_service="v1", in_service_sha256=theirs)
    found = document["issues"]["comparison"]["overall"]
    assert found["n"] == 5
    assert {"Closing", "Fees", "Payment", "other"} == found["per_class"].keys()
    # The one that knows three issues by name is right where the other can only say `other`.
    assert found["macro_f1_difference"]["estimate"] > 0.3
    without = job.put_model("in-service-model", saved(tmp_path / "without", 0))
    document = job.evaluate(sha256=ours, in_service="v1", in_service_sha256=without)
    assert "comparison" not in document["issues"]
