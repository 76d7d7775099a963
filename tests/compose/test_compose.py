"""docker-compose.yaml for real: built, both flows run in it, taken down and up again, a file dropped."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from complaints.settings import load_settings
from laptop.report.collect import Results
from laptop.sample import write_sample
from laptop.servers.airflow_api import AirflowApi
from laptop.servers.processes import ServerError
from tests.compose.stack import PATIENCE_SECONDS, ROOT, Stack, missing, objects

SETTINGS = load_settings().pipeline
BUCKET = SETTINGS.storage.bucket
# Beside the plans of runs, which are there before there is anything to see.
MANIFESTS = "manifests/run_id="
LONG_SERVICES = {"postgres", "localaws", "api-server", "dag-processor", "triggerer", "scheduler"}
REASON = missing()

pytestmark = [pytest.mark.skipif(bool(REASON), reason=REASON)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Up, and gone at the end with its volumes."""
    found = Stack()
    try:
        found.compose("build", "airflow-init", "localaws")
        found.up()
        yield found
    finally:
        found.compose("down", "--volumes", "--timeout", "30")


@pytest.fixture(scope="module")
def summary(stack: Stack) -> dict[str, Any]:
    """Both flows have run; what `make run` would tell of them."""
    for flow in ("complaints_training", "complaints_classification"):
        assert stack.run_flow(flow) == "success", stack.compose("logs", "--tail=60", "scheduler", "triggerer").stdout
    return Results(stack.aws.client("s3"), BUCKET).summary()


def test_every_long_service_is_healthy_and_each_first_step_is_done(stack: Stack) -> None:
    assert stack.health() == dict.fromkeys(LONG_SERVICES, "healthy")


def test_only_the_password_that_the_first_start_made_opens_airflow(stack: Stack) -> None:
    assert len(stack.password()) >= 16
    for wrong in ("admin", "airflow", stack.password()[:-1]):
        with pytest.raises(ServerError, match="401"):
            AirflowApi(stack.address, wrong).dag_ids()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{stack.address}/api/v2/dags", timeout=30)


def test_what_is_published_listens_on_loopback_alone(stack: Stack) -> None:
    assert stack.compose("port", "localaws", "4566").stdout.startswith("127.0.0.1:")
    assert stack.compose("port", "api-server", "8080").stdout.startswith("127.0.0.1:")
    assert stack.compose("port", "postgres", "5432", check=False).stdout.strip() in ("", ":0")


@pytest.mark.parametrize("service", ["scheduler", "dag-processor", "triggerer", "api-server"])
def test_the_dags_are_those_of_the_tree_and_cannot_be_changed_from_inside(stack: Stack, service: str) -> None:
    inside = stack.inside(service, "cat", "/ptmlops/dags/complaints_training.py").stdout
    assert inside == (ROOT / "dags" / "complaints_training.py").read_text()
    refused = stack.inside("--user=root", service, "touch", "/ptmlops/dags/complaints_training.py")
    assert "Read-only file system" in refused.stderr
    assert stack.inside(service, "id", "--user").stdout.strip() == "50000", "no container runs as root"


def test_both_flows_run_and_every_row_of_the_sample_is_accounted_for(
    stack: Stack, summary: dict[str, Any], tmp_path: Path
) -> None:
    expected = write_sample(tmp_path / "sample").expected
    found = summary["classification"]
    assert found["rows_in"] == expected["rows_in"] == sum(found["account"].values())
    for name in ("without_narrative", "quarantined", "superseded"):
        assert found["account"][name] == expected[name]
    Results(stack.aws.client("s3"), BUCKET).download_predictions(tmp_path / "predictions")
    tables = [pq.ParquetFile(file).read() for file in sorted((tmp_path / "predictions").glob("*.parquet"))]
    rows = [row for table in tables for row in table.to_pylist()]
    assert len({row["complaint_id"] for row in rows}) == len(rows) == found["account"]["classified"] > 0
    assert {row["predicted_product"] for row in rows} <= set(summary["model"]["classes"])


def test_what_containers_leave_behind_outlives_them(stack: Stack, summary: dict[str, Any]) -> None:
    """The model in service, the results, Airflow's runs and the password are there after `down` and `up`."""
    s3, password = stack.aws.client("s3"), stack.password()
    before = {prefix: objects(s3, BUCKET, prefix) for prefix in ("models/", "results/", "manifests/", "history/")}
    assert all(before.values())
    stack.compose("down", "--timeout", "30")
    stack.up()
    assert {prefix: objects(s3, BUCKET, prefix) for prefix in before} == before
    assert Results(s3, BUCKET).summary() == summary
    assert stack.password() == password
    assert stack.airflow().counts("complaints_training") == {"success": 1}


def test_the_model_that_was_kept_still_classifies(stack: Stack, summary: dict[str, Any]) -> None:
    """The same input is the same run: it finds what it had published."""
    assert stack.run_flow("complaints_classification") == "success"
    assert Results(stack.aws.client("s3"), BUCKET).summary() == summary


def test_a_file_that_is_dropped_is_classified_without_a_click(stack: Stack, summary: dict[str, Any]) -> None:
    assert summary["classification"]
    s3, known = stack.aws.client("s3"), set(objects(stack.aws.client("s3"), BUCKET, MANIFESTS))
    dropped = (
        "Date received,Product,Consumer complaint narrative,Complaint ID\n"
        "2026-05-04,Mortgage,The bank lost the payment of my mortgage and wants a fee for it.,99000001\n"
        "2026-05-05,Mortgage,,99000002\n"
    )
    s3.put_object(Bucket=BUCKET, Key="raw/dropped.csv", Body=dropped.encode())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (new := set(objects(s3, BUCKET, MANIFESTS)) - known):
        assert time.monotonic() < deadline, stack.compose("logs", "--tail=60", "scheduler", "triggerer").stdout
        time.sleep(2)
    manifest = json.load(s3.get_object(Bucket=BUCKET, Key=new.pop())["Body"])
    assert [each["uri"] for each in manifest["inputs"]] == [f"s3://{BUCKET}/raw/dropped.csv"]
    assert sum(each["rows"] for each in manifest["results"]) == 1
