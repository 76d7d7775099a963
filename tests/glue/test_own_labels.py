"""A data set that is not the CFPB's goes through the jobs by configuration alone: other columns, other classes."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import inference
import prepare_complaints
import prepare_history
import pyarrow.parquet as pq
import pytest
import train
import yaml
from pyspark.sql import SparkSession

from complaints.aws.objects import ObjectVersion
from complaints.runs.plans import classification_plan, training_plan
from complaints.settings import CONFIG, Settings, SettingsError, load_settings
from tests.glue.local_runs import Run, audit, data_files, lay_out

HEADER = "Ticket no.,Opened at,Message text,Assigned team\n"
ALIASES = {
    "consumer_complaint_narrative": ["message text"],
    "product": ["Assigned team"],
    "date_received": ["opened_at"],
}
WORDS = {
    "Billing": "invoice charge refund paid twice amount",
    "Technical support": "screen error crash login password install",
    "Field-Sales": "quote discount offer contract renew order",
}
CLASSES = ["billing", "field_sales", "technical_support"]
INPUTS = [ObjectVersion("raw/a.csv", "etag", 1, "2026-01-01T00:00:00+00:00")]


def tickets(count: int, seed: int) -> str:
    words, rows = random.Random(seed), []
    for number in range(count):
        team = [*WORDS][number % len(WORDS)]
        text = " ".join(words.choices(f"{WORDS[team]} please help us".split(), k=12))
        rows.append(f"T-{number},2026-03-{number % 28 + 1:02},{text} {number},{team}\n")
    return HEADER + "".join(rows)


def configured(folder: Path, labels: Any) -> Settings:
    """The settings in a copy of the configuration, where only the columns' names and the labels are others."""
    shutil.copytree(CONFIG, folder)
    for name, section, value in (
        ("pipeline_config.yaml", "columns", {"aliases": ALIASES}),
        ("model_config.yaml", "labels", labels),
    ):
        content = yaml.safe_load((folder / name).read_text())
        (folder / name).write_text(yaml.safe_dump(content | {section: value}))
    return load_settings(folder)


MAPPED = [{"contains": "sales", "label": "field_sales"}, {"contains": "billing", "label": "billing"}]
MAPPED += [{"contains": "technical", "label": "technical_support"}]


@pytest.mark.parametrize("labels", ["identity", MAPPED], ids=["identity", "a map"])
def test_tickets_are_learned_and_classified_by_their_teams(spark: SparkSession, tmp_path: Path, labels: Any) -> None:
    settings = configured(tmp_path / "config", labels)
    planned = training_plan(INPUTS, source="history/", release="r", settings=settings)
    told = {"label_rules": planned["label_rules"], "limits": planned["limits"]}

    history = lay_out(tmp_path / "history", {"history.csv": tickets(150, seed=1)})
    split = {"newest_fraction": planned["newest_fraction"], "test_fraction": planned["test_fraction"]}
    history.prepare(prepare_history.main, rows=history.uri("rows"), **split, **_as_given(told))
    assert all(each["unmapped"] == 0 for each in history.document("account")["by_source"])
    train.main(["--train", str(history.folder / "rows" / "use=train"), "--model-dir", str(tmp_path / "model")])
    model = inference.model_fn(str(tmp_path / "model"))
    assert model.classes_.tolist() == CLASSES

    run = lay_out(tmp_path / "run", {"a.csv": tickets(30, seed=2)})
    run.prepare(prepare_complaints.main, records=run.uri("records"), **_as_given(told))
    evaluated = {"classes": model.classes_.tolist()}
    record = {"version": "v1", "run_id": "1" * 16, "model_name": "m", "sha256": "", "evaluation": evaluated}
    classifying = classification_plan(INPUTS, source="raw/", release="r", model=record, settings=settings)
    account = audit(run, inference.predict_fn(run.lines("records"), model), json.loads(classifying["classes"]))
    assert account["by_source"][0]["classified"] == 30
    assert {row["label"] for row in account["scores"]} == set(CLASSES)
    rows = _results(run)
    right = [row["predicted_product"] == row["product"].lower().replace(" ", "_").replace("-", "_") for row in rows]
    assert sum(right) > 27
    assert {row["received_on"].year for row in rows} == {2026}


def _as_given(told: dict[str, str]) -> dict[str, Any]:
    return {"label_rules": told["label_rules"], "limits": json.loads(told["limits"])}


def _results(run: Run) -> list[dict[str, Any]]:
    return [row for path in data_files(run.folder / "candidate") for row in pq.ParquetFile(path).read().to_pylist()]


def test_a_name_that_stands_for_two_columns_is_refused(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path / "config")
    path = tmp_path / "config" / "pipeline_config.yaml"
    aliases = {"product": ["Team name"], "company": ["team_name"]}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"columns": {"aliases": aliases}}))
    with pytest.raises(SettingsError, match="'team_name' stands for company and for product"):
        load_settings(tmp_path / "config")


def test_names_of_ones_own_are_part_of_a_runs_id_and_none_leave_it_as_it_was(tmp_path: Path) -> None:
    settings = load_settings()
    own = configured(tmp_path / "config", "identity")
    assert "aliases" not in settings.pipeline.of_reading()
    assert settings.fingerprint() != own.fingerprint()
