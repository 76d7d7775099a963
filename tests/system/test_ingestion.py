"""The ingestion through Step Functions on local AWS, from a web server to a batch under raw/, on four days."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from complaint_csv import proper_name
from exact_csv.columns import COLUMNS

from complaints.aws.bucket import Bucket
from complaints.settings import load_settings
from deploy.local import deploy, deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from localaws import LocalAWS
from tests.glue.export_server import Export, cut, serving
from tests.parity.house import LocalClients
from tests.waiting import until

ROOT = Path(__file__).parents[2]
SETTINGS = load_settings()
FLOW = "complaints_ingestion"


class Days:
    """An environment whose export is at a server of this test."""

    def __init__(self, aws: LocalAWS, folder: Path, export: Export) -> None:
        self.aws, self.export = aws, export
        clients, code = LocalClients(aws).clients(), asking(folder, export.url)
        deploy_infrastructure(SETTINGS.pipeline, clients)
        deploy(SETTINGS.pipeline, clients)
        self.machine = deploy_pipeline(SETTINGS.pipeline, clients, root=code, starts=False)[FLOW]
        self.bucket = Bucket(aws.client("s3"), SETTINGS.pipeline.storage.bucket)

    def publishes(self, rows: Sequence[tuple[int, str, str]], etag: str) -> None:
        """The server has an export of these ids, products and narratives."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([proper_name(name) for name in COLUMNS])
        for number, product, narrative in rows:
            known = {"complaint_id": str(number), "product": product, "consumer_complaint_narrative": narrative}
            writer.writerow([known.get(name, "2026-11-01" if name.startswith("date") else "") for name in COLUMNS])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("complaints.csv", text.getvalue())
        self.export.content, self.export.etag = packed.getvalue(), etag

    def runs(self) -> dict[str, Any]:
        """Runs the flow; the execution as AWS describes it."""
        client = self.aws.client("stepfunctions")
        arn = client.start_execution(stateMachineArn=self.machine, input="{}")["executionArn"]
        until(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING", "the end of the ingestion")
        found: dict[str, Any] = client.describe_execution(executionArn=arn)
        assert found["status"] == "SUCCEEDED", found
        return found

    def batches(self) -> list[str]:
        """The keys under raw/."""
        return [each.key for each in self.bucket.objects("raw/")]

    def pointer(self) -> dict[str, Any]:
        """The last export that was ingested."""
        found: dict[str, Any] = self.bucket.read_json("exports/latest.json")
        return found


def asking(folder: Path, url: str) -> Path:
    """The code of the functions, with the URL of this test's server in the configuration."""
    for room in ("dags", "stepfunctions"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    config = folder / "dags" / "complaints" / "config" / "pipeline_config.yaml"
    text, count = re.subn(r"(?m)^  url: .*$", f"  url: {url}", config.read_text())
    assert count == 1
    config.write_text(text)
    return folder


@pytest.fixture
def days(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[Days]:
    with local_aws(tmp_path / "aws", reuse_jvm=True) as aws, serving(Export(b"")) as export:
        yield Days(aws, tmp_path / "code", export)


def test_a_days_run_brings_a_days_complaints_and_a_day_without_news_costs_nothing(days: Days) -> None:
    first = [(1, "Mortgage", "one"), (2, "Mortgage", ""), (3, "Credit card", "three")]
    days.publishes(first, '"monday"')
    days.runs()
    assert days.batches() == []  # ingestion.first_export is none
    assert days.pointer()["rows_in"] == 3
    jobs = len(days.aws.jobs)

    days.runs()
    started = [job.request["JobName"] for job in days.aws.jobs[jobs:] if "JobName" in job.request]
    assert started == []

    hostile = 'published "later",\r\nwith\nlines and ünïcödé'
    days.publishes([first[0], (2, "Mortgage", hostile), first[2], (4, "Student loan", "four")], '"tuesday"')
    days.export.faults = [cut(100)]
    days.runs()
    folder = f"raw/batches/{days.pointer()['export']['export']}/"
    assert days.batches() == [f"{folder}_SUCCESS", f"{folder}complaints-00000.csv.gz"]
    s3, key = days.bucket.client, f"{folder}complaints-00000.csv.gz"
    text = gzip.decompress(s3.get_object(Bucket=days.bucket.name, Key=key)["Body"].read()).decode()
    rows = [(row["Complaint ID"], row["Consumer complaint narrative"]) for row in csv.DictReader(io.StringIO(text, ""))]
    assert rows == [("2", hostile), ("4", "four")]
    account = days.bucket.read_json(f"exports/{days.pointer()['export']['export']}/ingestion.json")
    assert account is not None
    assert {name: account[name] for name in ("rows_in", "new", "changed", "unchanged", "withdrawn")} == {
        "rows_in": 4,
        "new": 1,
        "changed": 1,
        "unchanged": 2,
        "withdrawn": 0,
    }
    assert json.dumps(account).count("monday") == 0
