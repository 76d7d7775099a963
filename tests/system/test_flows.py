"""Both flows, for real: `make run`, against counts that Python's `csv` gives for the same files.

The files are real complaints where `../shared` holds them, and the generated sample elsewhere.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from laptop.sample import write_sample
from localaws.iam.evaluation import statements
from tests.infra.test_roles import ROLES, documents
from tests.parity.trail import calls
from tests.system import odd_place
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
RAW = ROOT.parent / "shared" / "data" / "raw"
HISTORY = ("complaints-2020-03-preamble.csv", "complaints-2020-05-indexed.csv", "narratives-2017.csv")
ARRIVED = ("complaints-2020-03-excel.csv", "complaints-2020-03-preamble.csv", "complaints-2026-04.csv")
COLUMNS = [
    "complaint_id",
    "predicted_product",
    "confidence",
    "runner_up",
    "runner_up_confidence",
    "needs_review",
    "review_reason",
    "model_version",
    "run_id",
    *("source", "record", "line", "received_on", "product", "sub_product", "issue", "sub_issue", "company", "state"),
]


_BACKFILL = "a backfill: tests/stepfunctions/handlers/test_backfill_flow.py"
_LOGS = "local AWS writes the logs of functions and jobs by itself"
# Statements of the roles that a run without failures does not need, each with its reason.
UNUSED = {
    ("glue", "Logs"): _LOGS,
    ("glue", "Metrics"): "Glue itself reports the metrics of a job",
    ("sagemaker", "Image"): "local AWS pulls no image",
    ("sagemaker", "ImageLogin"): "local AWS pulls no image",
    ("sagemaker", "Logs"): _LOGS,
    ("sagemaker", "Metrics"): "SageMaker itself reports the metrics of a job",
    ("states", "Classifications"): _BACKFILL,
    ("states", "ClassificationsEnd"): _BACKFILL,
    ("states", "ClassificationsRule"): _BACKFILL,
    ("states", "JobsEnd"): "the rules by which Step Functions hears of the end of a job; local AWS asks the job",
    ("states", "LogDelivery"): "the logs of executions, which local AWS does not write",
    ("steps", "Alerts"): "messages about failures: tests/parity/test_failures.py",
    ("steps", "Approvals"): "an approval by a person: tests/stepfunctions/handlers/test_promotion_flow.py",
    ("steps", "JobLogs"): "the last lines of a job that failed",
    ("steps", "JobsByName"): "the job behind a step that failed, and each hour those that outlive their limit",
    ("steps", "OwnLog"): _LOGS,
    ("steps", "Retrain"): "a model that has become worse: tests/stepfunctions/handlers/test_alarm_flow.py",
    (
        "starter",
        "DeadLetters",
    ): "an object that can never be classified: tests/stepfunctions/handlers/test_end_to_end.py",
    ("starter", "Follow"): "an execution whose name was used before",
    ("starter", "OwnLog"): _LOGS,
    ("events", "Start"): "EventBridge assumes the role to start an execution; local AWS starts it in its own name",
}


@dataclass(frozen=True)
class Known:
    """What Python's csv counts in files, read in this order."""

    rows_in: int
    newest: dict[str, dict[str, str]]
    quarantined: int = 0

    @property
    def with_narrative(self) -> set[str]:
        return {key for key, row in self.newest.items() if row["Consumer complaint narrative"].strip()}

    @property
    def superseded(self) -> int:
        return self.rows_in - self.quarantined - len(self.newest)


@dataclass(frozen=True)
class Files:
    """The labelled history, and the files to classify."""

    history: list[Path]
    arrived: list[Path]


def rows(path: Path) -> Iterator[dict[str | None, str]]:
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    header = re.search(r"^.*Consumer complaint narrative.*$", text, re.MULTILINE)
    assert header is not None
    yield from csv.DictReader(io.StringIO(text[header.start() :], newline=""))


def is_sound(row: dict[str | None, str]) -> bool:
    """False for the faulty rows of the sample: fields too many or too few, no id, or bytes that are not UTF-8."""
    if None in row or None in row.values() or not row.get("Complaint ID", "1").isdigit():
        return False
    return not any("\udc80" <= letter <= "\udcff" for field in row.values() for letter in field)


def known(paths: list[Path]) -> Known:
    newest: dict[str, dict[str, str]] = {}
    count = faulty = 0
    for path in paths:
        for position, row in enumerate(rows(path)):
            count += 1
            if is_sound(row):
                newest[row.get("Complaint ID") or f"{path.name}-{position}"] = row
            else:
                faulty += 1
    return Known(count, newest, faulty)


def run_through_airflow(folder: Path, files: Files) -> dict[str, Any]:
    """The summary that `make run TRAIN=... CLASSIFY=...` leaves in an odd place, and what it printed."""
    place = odd_place.copied(folder)
    done = odd_place.make_run(place, folder / "home", files.history, files.arrived)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not list(folder.rglob("ran")), "a name was run by a shell"
    found: dict[str, Any] = json.loads((place / "build" / "run" / "summary.json").read_text())
    results = {name: path and str(place / path) for name, path in found["results"].items()}
    return found | {"printed": done.stdout, "results": results}


def run_through_step_functions(folder: Path, files: Files) -> dict[str, Any]:
    """The same with ORCHESTRATOR=stepfunctions, here, with the policies of the roles enforced."""
    folder.mkdir()
    command = [sys.executable, "-m", "laptop", "run", "--build", str(folder / "build"), "--orchestrator=stepfunctions"]
    command += [part for path in files.history for part in ("--train", str(path))]
    command += [part for path in files.arrived for part in ("--classify", str(path))]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": "dags", "PATH": "/usr/bin:/bin", "HOME": str(folder), "ENFORCE_IAM": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads((folder / "build" / "summary.json").read_text())
    return found | {"printed": done.stdout}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    if RAW.is_dir():
        return Files([RAW / name for name in HISTORY], [RAW / name for name in ARRIVED])
    sample = write_sample(tmp_path_factory.mktemp("sample"))
    # In the order of a folder, which is how one of the two gets them.
    return Files(sorted(sample.training), sorted(sample.classify))


@pytest.fixture(scope="module")
def summaries(files: Files, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Both flows through each orchestrator; side by side, since both wait most of the time."""
    folder = tmp_path_factory.mktemp("flows")
    with ThreadPoolExecutor() as pool:
        runs = {
            "airflow": pool.submit(run_through_airflow, folder / "airflow", files),
            "stepfunctions": pool.submit(run_through_step_functions, folder / "stepfunctions", files),
        }
        return {name: each.result() for name, each in runs.items()}


@pytest.fixture(scope="module")
def summary(summaries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Both flows through Airflow."""
    return summaries["airflow"]


@pytest.fixture(scope="module")
def serverless(summaries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Both flows through Step Functions."""
    return summaries["stepfunctions"]


def published(summary: dict[str, Any]) -> list[dict[str, Any]]:
    files = sorted(Path(summary["results"]["predictions"]).glob("*.parquet"))
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return sorted(rows, key=lambda row: row["complaint_id"])


@pytest.fixture(scope="module")
def predictions(summary: dict[str, Any]) -> list[dict[str, Any]]:
    return published(summary)


def test_every_row_of_every_file_is_accounted_for(summary: dict[str, Any], files: Files) -> None:
    expected = known(files.arrived)
    account = summary["classification"]["account"]
    assert summary["classification"]["rows_in"] == expected.rows_in
    assert account == {
        "classified": len(expected.with_narrative),
        "without_narrative": len(expected.newest) - len(expected.with_narrative),
        "quarantined": expected.quarantined,
        "superseded": expected.superseded,
    }


def test_each_complaint_with_a_narrative_is_classified_once(predictions: list[dict[str, Any]], files: Files) -> None:
    expected = known(files.arrived)
    assert sorted(row["complaint_id"] for row in predictions) == sorted(expected.with_narrative)


def test_the_predictions_have_the_promised_columns_and_make_sense(
    summary: dict[str, Any], predictions: list[dict[str, Any]]
) -> None:
    classes = set(summary["model"]["classes"])
    for row in predictions:
        assert list(row) == COLUMNS
        assert row["predicted_product"] in classes
        assert row["runner_up"] in classes - {row["predicted_product"]}
        assert 0 < row["runner_up_confidence"] <= row["confidence"] <= 1
        assert (row["model_version"], row["run_id"]) == ("v1", summary["classification"]["run_id"])


def test_the_history_is_split_without_losing_a_row(summary: dict[str, Any], files: Files) -> None:
    expected = known(files.history)
    account = summary["training"]["account"]
    assert summary["training"]["rows_in"] == expected.rows_in == sum(account.values())
    learned = account["train"] + account["test"] + account["newest"] + account["unmapped"]
    assert learned == len(expected.with_narrative)
    assert account["superseded"] == expected.superseded


def test_the_model_is_far_better_than_guessing(summary: dict[str, Any]) -> None:
    test = summary["model"]["evaluation"]["test"]
    assert test["accuracy"] > test["majority_accuracy"] + 0.3
    assert summary["classification"]["labelled"]["accuracy"] > 0.7


def test_the_run_shows_its_progress_and_leaves_a_report(summary: dict[str, Any]) -> None:
    assert "Verdict of the gate: PROMOTE, as it is the first model" in summary["printed"]
    for task in ("prepare_history", "train_model", "refit_model", "classify_complaints", "publish_manifest"):
        assert f"{task}: success" in summary["printed"]
    page = Path(summary["results"]["report"]).read_text()
    assert summary["classification"]["run_id"] in page


def test_the_results_are_monitored_and_the_summary_has_the_decision(summary: dict[str, Any]) -> None:
    monitored = summary["monitoring"]
    assert monitored["n"] == summary["classification"]["account"]["classified"]
    assert monitored["action"] in ("keep", "wait", "stop", "person", "evaluate", "retrain")
    assert re.search(r"^Monitoring: (estimated accuracy|no baseline|insufficient)", summary["printed"], re.MULTILINE)
    assert summary["flows"][2]["dag_id"] == "complaints_monitoring"


def test_nothing_is_left_running(summary: dict[str, Any]) -> None:
    folder = Path(summary["results"]["report"]).parent.absolute()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(folder) not in running


def test_both_orchestrators_publish_the_same(
    summary: dict[str, Any], predictions: list[dict[str, Any]], serverless: dict[str, Any]
) -> None:
    """The same run ids, model, evaluation, account and predictions, to the last bit of each confidence."""
    assert published(serverless) == predictions
    for section in ("release", "training", "model", "monitoring"):
        assert serverless[section] == summary[section]
    # What AWS would have billed is each run's own: it depends on how long the jobs took.
    costs = [each["classification"]["cost"] for each in (serverless, summary)]
    assert all(cost["recorded"]["usd"] > 0 for cost in costs)
    assert costs[0]["estimated"] == costs[1]["estimated"]
    assert serverless["classification"] | {"cost": None} == summary["classification"] | {"cost": None}


def test_both_orchestrators_ask_aws_for_the_same(summary: dict[str, Any], serverless: dict[str, Any]) -> None:
    """Each call that changes something, in the same order with the same parameters."""
    airflow, states = (
        calls(Path(each["results"]["report"]).parent / "aws" / "cloudtrail.jsonl") for each in (summary, serverless)
    )
    assert [(service, name) for service, name, _ in airflow] == [(service, name) for service, name, _ in states]
    assert airflow == states
    assert [name for service, name, _ in airflow if service != "s3"] == [
        *("StartJobRun", "CreateTrainingJob", "CreateProcessingJob", "CreateTrainingJob", "CreateModel"),
        *("CreateModelPackageGroup", "CreateModelPackage"),
        *("StartJobRun", "CreateTransformJob", "StartJobRun", "CreateProcessingJob", "PutMetricData"),
    ]


def test_objects_that_arrived_started_the_classification_and_its_monitoring(serverless: dict[str, Any]) -> None:
    trail = Path(serverless["results"]["report"]).parent / "aws" / "cloudtrail.jsonl"
    events = [json.loads(line) for line in trail.read_text().splitlines()]
    starts = [event["requestParameters"] for event in events if event["eventName"] == "StartExecution"]
    assert len(starts) == 3
    assert starts[1]["name"].startswith("laptop-")
    assert json.loads(starts[1]["input"]) == {"source": "raw/batches/laptop/"}
    published = f"manifests/run_id={serverless['classification']['run_id']}.json"
    assert json.loads(starts[2]["input"]) == {"run_id": published}


def test_the_flows_need_every_statement_of_the_roles_that_has_no_other_reason(serverless: dict[str, Any]) -> None:
    file = Path(serverless["results"]["report"]).parent / "aws" / "iam.jsonl"
    asked = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [each for each in asked if each["statement"] is None] == []
    used = {(each["role"].removeprefix("ptmlops-"), each["statement"]) for each in asked}
    declared = {(role.lower(), each["Sid"]) for role in ROLES for each in statements(documents(role))}
    assert used <= declared
    assert declared - used <= UNUSED.keys()


def test_both_orchestrators_take_the_same_steps(summary: dict[str, Any], serverless: dict[str, Any]) -> None:
    """But for the sensor, which is the trigger there."""
    for through_airflow, through_states in zip(summary["flows"], serverless["flows"], strict=True):
        steps = [step["task_id"] for step in through_airflow["steps"] if step["task_id"] != "await_complaints"]
        assert [step["task_id"] for step in through_states["steps"]] == steps
