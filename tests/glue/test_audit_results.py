"""The publishing job: the table of results, and an account that a lost or foreign score cannot hide from."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import audit_results
import prepare_complaints
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from complaints.accounting import CLASSIFICATION_FATES, RowsMissingError, check_account
from tests.glue.local_runs import Run, as_argv, data_files, lay_out

HEADER = "Product,Consumer complaint narrative,Complaint ID\n"
FILES = {
    "a.csv": HEADER + "Mortgage,one,1\nMortgage,,2\nMortgage,too,many,3\nMortgage,older,4\n",
    "b.csv": HEADER + "Mortgage,newer,4\nImaginary product,five,5\n,six,6\n",
}
Score = dict[str, Any]


def score(identifier: str, product: str = "mortgage", confidence: float = 0.75) -> Score:
    return {"complaint_id": identifier, "predicted_product": product, "confidence": confidence} | {
        "runner_up": "card",
        "runner_up_confidence": 0.125,
    }


ALL = [score("1", confidence=1.0), score("4", "card", 0.5), score("5", confidence=0.57), score("6")]


def publish(run: Run, scores: Iterable[Score]) -> dict[str, Any]:
    """Publishes what the model said; returns the account."""
    (run.folder / "scores").mkdir(exist_ok=True)
    lines = "".join(json.dumps(each) + "\n" for each in scores)
    (run.folder / "scores" / "part-00000.json.out").write_text(lines)
    folders = {name: run.uri(name) for name in ("complaints", "scores", "results")}
    more = {"prepared": run.uri("account"), "account": run.uri("results_account")}
    audit_results.main(as_argv({"run_id": "0123456789012345", "model_version": "v007"} | folders | more))
    return run.document("results_account")


def results(run: Run) -> pa.Table:
    return pa.concat_tables(pq.ParquetFile(path).read() for path in data_files(run.folder / "results"))


@pytest.fixture(scope="module")
def prepared(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = lay_out(tmp_path_factory.mktemp("published") / "run", FILES)
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    return run


@pytest.fixture(scope="module")
def account(prepared: Run) -> dict[str, Any]:
    return publish(prepared, ALL)


@pytest.fixture(scope="module")
def table(prepared: Run, account: dict[str, Any]) -> pa.Table:
    return results(prepared)


def test_every_row_is_accounted_for_file_by_file(prepared: Run, account: dict[str, Any]) -> None:
    assert check_account(account, CLASSIFICATION_FATES) == {"rows_in": 7} | {
        "classified": 4,
        "without_narrative": 1,
        "quarantined": 1,
        "superseded": 1,
    }
    assert [(each["source"], each["rows_in"]) for each in account["by_source"]] == [
        (prepared.source("a.csv"), 4),
        (prepared.source("b.csv"), 3),
    ]


def test_the_table_has_exactly_the_columns_and_types_that_are_promised(table: pa.Table) -> None:
    assert [(field.name, field.type) for field in table.schema] == [
        ("complaint_id", pa.string()),
        ("predicted_product", pa.string()),
        ("confidence", pa.float64()),
        ("runner_up", pa.string()),
        ("runner_up_confidence", pa.float64()),
        ("model_version", pa.string()),
        ("run_id", pa.string()),
    ]


def test_the_table_holds_each_score_once_under_its_complaint(table: pa.Table) -> None:
    origin = {"model_version": "v007", "run_id": "0123456789012345"}
    assert sorted(table.to_pylist(), key=lambda row: row["complaint_id"]) == [each | origin for each in ALL]


def test_the_spread_of_the_scores_is_counted_by_label_answer_and_tenth(account: dict[str, Any]) -> None:
    spread = {(row["label"], row["predicted_product"], row["confidence_tenth"]): row for row in account["scores"]}
    assert {cell: (row["rows"], row["confidence_sum"]) for cell, row in spread.items()} == {
        ("mortgage", "mortgage", 9): (1, 1.0),
        ("mortgage", "card", 5): (1, 0.5),
        ("unmapped", "mortgage", 5): (1, 0.57),
        (None, "mortgage", 7): (1, 0.75),
    }


def test_complaints_about_unknown_products_are_counted(account: dict[str, Any]) -> None:
    assert account["unmapped"] == 1


def again(prepared: Run, folder: Path, scores: Iterable[Score]) -> dict[str, Any]:
    """Publishes other scores of the same complaints, elsewhere."""
    other = Run(folder)
    for name in ("complaints", "account"):
        (folder / name).symlink_to(prepared.folder / name)
    return publish(other, scores)


def test_a_complaint_without_a_score_leaves_its_file_a_row_short(prepared: Run, tmp_path: Path) -> None:
    account = again(prepared, tmp_path, ALL[:2] + ALL[3:])
    with pytest.raises(RowsMissingError, match=r"/raw/b\.csv: 3 rows in, but 2 classified .*: 1 missing$") as refused:
        check_account(account, CLASSIFICATION_FATES)
    assert "a.csv" not in str(refused.value)


def test_a_complaint_that_is_scored_twice_does_not_add_up(prepared: Run, tmp_path: Path) -> None:
    account = again(prepared, tmp_path, [*ALL, ALL[0]])
    with pytest.raises(RowsMissingError, match=r"/raw/a\.csv: 4 rows in, but .* too many$"):
        check_account(account, CLASSIFICATION_FATES)


def test_what_the_model_could_not_score_is_quarantined_with_its_words(prepared: Run, tmp_path: Path) -> None:
    account = again(prepared, tmp_path, [*ALL[1:], {"complaint_id": "1", "error": "no narrative"}])
    totals = check_account(account, CLASSIFICATION_FATES)
    assert (totals["classified"], totals["quarantined"]) == (3, 2)
    assert account["quarantined_by_reason"] == {"4 fields where the header has 3": 1, "model: no narrative": 1}
    assert "1" not in results(Run(tmp_path))["complaint_id"].to_pylist()


@pytest.mark.parametrize("identifier", ["999", "2"], ids=["of another run", "without a narrative"])
def test_a_score_that_nobody_asked_for_is_refused_and_named(prepared: Run, tmp_path: Path, identifier: str) -> None:
    with pytest.raises(ValueError, match=rf"1 scores belong to no complaint of this run.*complaint_id='{identifier}'"):
        again(prepared, tmp_path, [*ALL, score(identifier)])
    assert not (tmp_path / "results").exists()


def test_a_line_that_is_no_score_is_refused(prepared: Run, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 scores belong to no complaint of this run"):
        again(prepared, tmp_path, [*ALL, {"complaint_id": None, "error": "not JSON"}])
