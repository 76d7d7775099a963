"""The folder of results is one table to pandas, DuckDB, Polars and Spark, read without an argument."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from result_file import parquet_of
from result_parts import sending
from result_table import Publication, results

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


def published(publication: Publication, complaint_id: str, **more: Any) -> bytes:
    """A file of results with one row."""
    classified = {"complaint_id": complaint_id, "predicted_product": "card", "confidence": 0.9, "runner_up": "mortgage"}
    classified |= {"runner_up_confidence": 0.1, "known_ngrams": 12, "record": 1, "line": 2}
    classified |= {"source": "s3://bucket/raw/a.csv", "product": "Card", "company": "Acme", "state": "NY", **more}
    sent = sending(1, publication)
    fields = {field.name: field for schema in (sent.complaints, sent.scores) for field in schema}
    schema = pa.schema(fields.values())
    row = pa.Table.from_pylist([classified], schema)
    return parquet_of(results(row, publication))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`results/` after four runs, each under the names that its manifest gives; one filled no column of a complaint."""
    home = tmp_path_factory.mktemp("bucket")
    (home / "results").mkdir()
    inputs = [ObjectVersion("raw/a.csv", "etag", 1, "2026-01-01T00:00:00+00:00")]
    for number, run_id in enumerate(RUNS):
        chosen = NEITHER if number == 0 else SETTINGS.pipeline.results.columns
        content = published(Publication("v1", run_id, 0.5, chosen), str(number))
        file = {"name": "part-00000.parquet", "size": len(content), "rows": 1, "sha256": sha256(content).hexdigest()}
        plan = classification_plan(inputs, source="raw/", release="r", model=MODEL, settings=SETTINGS)
        plan["run_id"] = run_id
        counts = {"rows_in": 1, "classified": 1}
        audited = {"files": [file], "unmapped": 0, "quarantined_by_reason": {}, "needs_review": {}, "scores": []}
        (result,) = manifest_of(plan, plan_document(plan, inputs), counts, audited)["results"]
        (home / result["key"]).write_bytes(content)
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
    said = [
        {"product": "card", "ngram": "late fee", "weight": 1.5},
        {"product": "mortgage", "ngram": "fee", "weight": 0.5},
    ]
    path = tmp_path / "explained" / "part-00000.parquet"
    path.parent.mkdir()
    path.write_bytes(published(Publication("v1", "a-run", 0.5, ["evidence"]), "9", evidence=said))
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
