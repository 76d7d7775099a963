"""The issue of a complaint is called as it is called now, by the day on which the complaint was received."""

from __future__ import annotations

import json
from typing import Any

import prepare_complaints
import prepare_history
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from issue_names import IssueRule, issue_classes, named_issue
from pyspark.sql import SparkSession

from tests.glue.local_runs import Run, audit, data_files, lay_out

RULES: list[IssueRule] = [
    ("Cont'd attempts", "Attempts to collect", None),
    ("Fraud", "Scam", "2017-04-23"),
]
HEADER = "Date received,Product,Issue,Consumer complaint narrative,Complaint ID\n"
ROWS = (
    "2016-01-01,Mortgage,Fraud,one word,1\n2020-01-01,Mortgage,Fraud,two words,2\n"
    "2020-01-01,Mortgage, cont'd ATTEMPTS ,three words,3\n2020-01-01,Imaginary,,four words,4\n"
)


def test_a_rule_renames_whatever_the_case_and_only_up_to_its_day(spark: SparkSession) -> None:
    rows = [("Fraud", "2017-04-23"), ("fraud", "2017-04-24"), ("CONT'D ATTEMPTS", None), (" ", None), (None, None)]
    table = spark.createDataFrame(rows, "issue string, day string").selectExpr("issue", "date(day) AS received_on")
    named = [row.now for row in table.select(named_issue(RULES).alias("now")).collect()]
    issues, days = (pa.array(column) for column in zip(*rows, strict=True))
    classes = issue_classes(issues, days.cast(pa.date32()), RULES, ["Scam"], "other").to_pylist()
    assert list(zip(named, classes, strict=True)) == [
        ("Scam", "Scam"),
        ("fraud", "other"),
        ("Attempts to collect", "other"),
        (None, None),
        (None, None),
    ]


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return lay_out(tmp_path_factory.mktemp("issues") / "run", {"a.csv": HEADER + ROWS})


def asked(run: Run) -> list[dict[str, Any]]:
    return sorted(run.lines("records"), key=lambda each: str(each["complaint_id"]))


def test_the_history_has_the_issue_only_where_it_is_asked_for(run: Run) -> None:
    for rules, has_issue in ((json.dumps(RULES), True), ("null", False)):
        parts = {"newest_fraction": "0", "test_fraction": "0.5", "issue_rules": rules, "rows": run.uri("rows")}
        run.prepare(prepare_history.main, **parts)
        tables = [pq.ParquetFile(path).read() for path in data_files(run.folder / "rows")]
        assert {"issue" in table.column_names for table in tables} == {has_issue}
        if has_issue:
            found = {row["complaint_id"]: row["issue"] for table in tables for row in table.to_pylist()}
            assert found == {"1": "Scam", "2": "Fraud", "3": "Attempts to collect", "4": None}


def test_a_record_has_the_product_that_a_rule_knows_only_where_issues_are_asked_for(run: Run) -> None:
    run.prepare(prepare_complaints.main, records=run.uri("records"), issues="null")
    assert {tuple(each) for each in asked(run)} == {("complaint_id", "narrative")}
    run.prepare(prepare_complaints.main, records=run.uri("records"), issues=json.dumps({"review_below": 0.4}))
    assert [each.get("product") for each in asked(run)] == ["mortgage", "mortgage", "mortgage", None]


def test_the_results_have_the_issue_with_its_review_and_the_account_its_scores(run: Run) -> None:
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    first = {"predicted_product": "mortgage", "confidence": 0.9, "runner_up": "card", "runner_up_confidence": 0.05}
    others = [{"issue": "other", "confidence": 0.2}, {"issue": "Scam", "confidence": 0.1}]
    answers = [
        {"complaint_id": "1", "predicted_issue": "Scam", "issue_confidence": 0.7, "issue_alternatives": others},
        {"complaint_id": "2", "predicted_issue": "Scam", "issue_confidence": 0.3, "issue_alternatives": others},
        {"complaint_id": "3", "predicted_issue": "other", "issue_confidence": 0.6, "issue_alternatives": []},
        {"complaint_id": "4"},
    ]
    issues = {"review_below": 0.4, "classes": ["Scam", "other"], "other": "other", "renamed": RULES}
    account = audit(run, [{**first, "known_ngrams": 12, **each} for each in answers], issues=issues)
    rows = [row for path in data_files(run.folder / "candidate") for row in pq.ParquetFile(path).read().to_pylist()]
    found = {
        row["complaint_id"]: [row[name] for name in row if "issue" in name and "sub" not in name][1:] for row in rows
    }
    assert found == {
        "1": ["Scam", 0.7, others, False, None],
        "2": ["Scam", 0.3, others, True, "low_confidence"],
        "3": ["other", 0.6, [], False, None],
        "4": [None, None, None, None, None],
    }
    cells = [(row["label"], row["predicted_product"], row["rows"]) for row in account["issue_scores"]]
    assert cells == [("Scam", "Scam", 1), ("other", "Scam", 1), ("other", "other", 1)]


def test_nothing_is_different_where_no_issue_is_asked_for(run: Run) -> None:
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    answer = {"predicted_product": "mortgage", "confidence": 0.9, "runner_up": "card", "runner_up_confidence": 0.05}
    answers = [{"complaint_id": str(number), "known_ngrams": 12, **answer} for number in range(1, 5)]
    account = audit(run, answers)
    (path,) = data_files(run.folder / "candidate")
    assert "issue_scores" not in account
    assert "predicted_issue" not in pq.ParquetFile(path).schema_arrow.names
