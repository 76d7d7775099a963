"""The folder of results is one table to pandas, DuckDB, Polars and Spark, read without an argument."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import audit_results
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from score_audit import EVIDENCE

from complaints.aws.objects import ObjectVersion
from complaints.runs.plans import classification_plan, plan_document
from complaints.runs.publishing import manifest_of
from complaints.settings import load_settings

SETTINGS = load_settings()
MODEL = {"version": "v1", "run_id": "of v1", "model_name": "m", "sha256": "", "evaluation": {"classes": ["card"]}}
# A reader that guesses takes the second for an integer, the third for a decimal, and the last for a double.
RUNS = ("1303f0f1403b9522", "1234567890123456", "12345678901234e5", "123456789012345d")
NEITHER: list[str] = []
# The environment that has both; `make test` sets it up.
BENCH = Path(__file__).parents[2] / ".venvs" / "bench" / "bin" / "python"
ROWS = "import sys, json; print(json.dumps([[str(v) for v in row] for row in rows] + [names]))"


def asked(program: str, folder: str) -> list[dict[str, Any]]:
    """The rows that a program leaves in `rows`, and the names of their columns in `names`."""
    if not BENCH.exists():
        pytest.skip("DuckDB and Polars are in the environment 'bench', which is not installed: make test installs it")
    command = [str(BENCH), "-c", f"folder = {folder!r}\n{program}\n{ROWS}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *rows, names = json.loads(done.stdout)
    return [dict(zip(names, (None if value == "None" else value for value in row), strict=True)) for row in rows]


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`results/` after four runs, each under the names that its manifest gives; one filled no column of a complaint."""
    home = tmp_path_factory.mktemp("bucket")
    (home / "results").mkdir()
    inputs = [ObjectVersion("raw/a.csv", "etag", 1, "2026-01-01T00:00:00+00:00")]
    columns = (
        "complaint_id string, fate string, predicted_product string, confidence double, runner_up string, "
        "runner_up_confidence double, known_ngrams long, source string, record long, line long, received_on date, "
        "product string, sub_product string, issue string, sub_issue string, company string, state string"
    )
    for number, run_id in enumerate(RUNS):
        row = (str(number), "classified", "card", 0.9, "mortgage", 0.1, 12, "s3://bucket/raw/a.csv", 1, 2)
        scored = spark.createDataFrame([(*row, None, "Card", None, None, None, "Acme", "NY")], columns)
        chosen = NEITHER if number == 0 else SETTINGS.pipeline.results.columns
        uri = (home / run_id).as_uri()
        audit_results.write_candidate(audit_results.results(scored, 0.5, "v1", run_id, chosen), 1, uri)
        files = audit_results.candidate_files(spark, spark.read.parquet(uri), uri)
        plan = classification_plan(inputs, source="raw/", release="r", model=MODEL, settings=SETTINGS)
        plan["run_id"] = run_id
        counts = {"rows_in": 1, "classified": 1}
        audited = {"files": files, "unmapped": 0, "quarantined_by_reason": {}, "needs_review": {}, "scores": []}
        manifest = manifest_of(plan, plan_document(plan, inputs), counts, audited)
        for file, result in zip(files, manifest["results"], strict=True):
            (home / run_id / file["name"]).rename(home / result["key"])
    return home / "results"


READERS: dict[str, Callable[[SparkSession, str], list[dict[str, Any]]]] = {
    "pandas": lambda _, folder: json.loads(pd.read_parquet(folder).to_json(orient="records")),
    "duckdb": lambda _, folder: asked(
        "import duckdb; found = duckdb.sql(f\"FROM '{folder}/*.parquet'\")\n"
        "rows, names = found.fetchall(), found.columns",
        folder,
    ),
    "polars": lambda _, folder: asked(
        "import polars; found = polars.read_parquet(folder); rows, names = found.rows(), found.columns", folder
    ),
    "spark": lambda spark, folder: [row.asDict() for row in spark.read.parquet(folder).collect()],
}


@pytest.mark.parametrize("name", READERS)
def test_the_folder_is_one_table_whose_run_ids_are_text(spark: SparkSession, folder: Path, name: str) -> None:
    rows = sorted(READERS[name](spark, str(folder)), key=lambda row: str(row["complaint_id"]))
    assert [(row["complaint_id"], row["run_id"]) for row in rows] == [(str(i), run) for i, run in enumerate(RUNS)]
    assert [row["company"] for row in rows] == [None, "Acme", "Acme", "Acme"]
    assert {tuple(row) for row in rows} == {tuple(spark.read.parquet(str(folder)).columns)}
    assert {(row["source"], str(row["record"]), str(row["line"])) for row in rows} == {
        ("s3://bucket/raw/a.csv", "1", "2")
    }


def test_pandas_reads_one_run_of_the_folder(folder: Path) -> None:
    assert list(pd.read_parquet(folder, filters=[("run_id", "==", RUNS[1])])["complaint_id"]) == ["1"]


def test_evidence_is_a_list_of_structs_to_each_reader(spark: SparkSession, folder: Path, tmp_path: Path) -> None:
    columns = (
        "complaint_id string, fate string, predicted_product string, confidence double, runner_up string, "
        "runner_up_confidence double, known_ngrams long, source string, record long, line long, "
        f"{EVIDENCE}"
    )
    said = [
        {"product": "card", "ngram": "late fee", "weight": 1.5},
        {"product": "mortgage", "ngram": "fee", "weight": 0.5},
    ]
    row = ("9", "classified", "card", 0.9, "mortgage", 0.1, 12, "s3://bucket/raw/a.csv", 1, 2, said)
    table = audit_results.results(spark.createDataFrame([row], columns), 0.5, "v1", "a-run", ["evidence"])
    audit_results.write_candidate(table, 1, (tmp_path / "explained").as_uri())
    (path,) = (tmp_path / "explained").glob("*.parquet")
    for name, reader in READERS.items():
        ((found,),) = [[each["evidence"] for each in reader(spark, str(path.parent))]]
        plain = [each.asDict() for each in found] if name == "spark" else found
        assert (ast.literal_eval(plain) if isinstance(plain, str) else plain) == said, name
    path.rename(folder / path.name)
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"<!-- runs: evidence -->\n```sql\n(.*?)```", page, re.DOTALL)
    asking = f"import duckdb, os; os.chdir({str(folder.parent)!r}); found = duckdb.sql({query!r})"
    counted = asked(f"{asking}; rows, names = found.fetchall(), found.columns", "")
    assert sorted(counted, key=lambda each: each["ngram"]) == [
        {"product": "mortgage", "ngram": "fee", "complaints": "1"},
        {"product": "card", "ngram": "late fee", "complaints": "1"},
    ]
