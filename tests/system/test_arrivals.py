"""To drop a file is enough, for real: Airflow with `complaints_arrivals` on, and a local AWS that is killed once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from complaints.aws.bucket import Bucket
from complaints.settings import load_settings
from deploy.local import deploy, deploy_infrastructure
from laptop import inputs
from laptop.sample import write_sample
from laptop.servers.airflow import Airflow
from laptop.servers.orchestrator import ENDED
from laptop.servers.processes import free_port
from laptop.servers.stack import CLASSIFICATION, MONITORING, TRAINING
from localaws.server.credentials import read_credentials
from tests.parity.house import DAGS_STAY, LocalClients, impatient
from tests.waiting import until

ARRIVALS = "complaints_arrivals"


class KeptAWS:
    """`python -m localaws --keep` on a port of its own, which the next one takes over."""

    def __init__(self, state: Path) -> None:
        self._command = [sys.executable, "-m", "localaws", "--state", str(state), "--keep", "--reuse-jvm"]
        self._command += ["--port", str(free_port())]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        started = json.loads(self.process.stdout.readline())
        self.endpoint = started["endpoint"]
        credentials = read_credentials(Path(started["credentials"]))
        assert credentials
        self.credentials = credentials

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def client(self, service: str) -> Any:
        session = boto3.session.Session(**self.credentials.session, region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoint, config=Config(proxies={}))


class Laptop:
    """What `make up` starts: Airflow, local AWS, the release, the history and a model in service."""

    def __init__(self, aws: KeptAWS, airflow: Airflow, folder: Path) -> None:
        self.settings = load_settings(folder / "dags" / "complaints" / "config").pipeline
        self.aws, self.airflow = aws, airflow
        self.bucket = Bucket(aws.client("s3"), self.settings.storage.bucket)

    def set_up(self) -> None:
        clients = LocalClients(self.aws).clients()  # type: ignore[arg-type]
        deploy_infrastructure(self.settings, clients)
        deploy(self.settings, clients)

    def run(self, dag_id: str, source: str) -> str:
        run = self.airflow.trigger(dag_id, {"source": source})
        until(lambda: self.airflow.state(dag_id, run) in ENDED)
        return self.airflow.state(dag_id, run)

    def put(self, file: Path) -> str:
        key = f"raw/{file.name}"
        self.bucket.client.upload_file(str(file), self.bucket.name, key)
        return key

    def runs(self, dag_id: str = CLASSIFICATION) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.airflow.call("GET", f"/api/v2/dags/{dag_id}/dagRuns?limit=100")["dag_runs"]
        return found

    def of(self, key: str) -> dict[str, Any]:
        """The one run that was started for a key by itself, once it is over."""
        arrived = [each for each in self.runs() if each["dag_run_id"].startswith("arrival__")]
        mine = [each for each in arrived if each["conf"].get("source") == key and each["state"] in ENDED]
        assert len(mine) <= 1, mine
        return mine[0] if mine else {}

    def manifests(self) -> dict[str, str]:
        """The ETag of each manifest, by the files that its run read."""
        found = {}
        for each in self.bucket.objects("manifests/run_id="):
            read = [given["uri"].rpartition("/")[2] for given in (self.bucket.read_json(each.key) or {})["inputs"]]
            found[",".join(sorted(read))] = each.etag
        return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    sample = write_sample(tmp_path_factory.mktemp("sample"), training_rows=400, classify_rows=200)
    return [*sample.training, *sample.classify]


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory, files: list[Path]) -> Iterator[Laptop]:
    folder = tmp_path_factory.mktemp("laptop")
    patience = {"retry_delay_seconds": 1, "poll_seconds": 1, "arrival_poll_seconds": 2}
    code = impatient(folder / "code", patience)
    aws = KeptAWS(folder / "aws")
    endpoint = {"AWS_ENDPOINT_URL": aws.endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    environment = {**aws.credentials.environment, **endpoint, **DAGS_STAY}
    airflow = Airflow(folder / "airflow", environment, dags=code / "dags")
    try:
        with airflow.server:
            found = Laptop(aws, airflow, code)
            found.set_up()
            inputs.upload(found.bucket.client, found.bucket.name, "history/", files[:-3])
            airflow.wait_until_ready([TRAINING, CLASSIFICATION, ARRIVALS, MONITORING])
            # It would follow each publication.
            airflow.call("PATCH", f"/api/v2/dags/{MONITORING}", {"is_paused": True})
            assert found.run(TRAINING, "history/") == "success"
            yield found
    finally:
        aws.end(signal.SIGTERM)


def test_nothing_is_started_before_somebody_switches_it_on(laptop: Laptop, files: list[Path]) -> None:
    assert laptop.airflow.call("GET", f"/api/v2/dags/{ARRIVALS}")["is_paused"]
    laptop.put(files[-3])
    assert laptop.runs(ARRIVALS) == []
    laptop.airflow.call("PATCH", f"/api/v2/dags/{ARRIVALS}", {"is_paused": False})


def test_a_file_is_classified_without_a_trigger_and_then_a_second_one(laptop: Laptop, files: list[Path]) -> None:
    first = f"raw/{files[-3].name}"
    assert until(lambda: laptop.of(first))["state"] == "success"
    assert list(laptop.manifests()) == [files[-3].name]
    laptop.put(files[-3])  # the same bytes by the same name: another version, with nothing new
    second = laptop.put(files[-2])
    assert until(lambda: laptop.of(second))["state"] == "success"
    assert sorted(laptop.manifests()) == sorted([files[-3].name, files[-2].name])
    ledger = [laptop.bucket.read_json(each.key) or {} for each in laptop.bucket.objects("ledger/versions/")]
    assert sorted((entry["key"], entry["outcome"]) for entry in ledger) == sorted(
        [(first, "started"), (first, f"duplicate of {first}"), (second, "started")]
    )


def test_a_run_by_hand_is_possible_while_the_dag_waits_and_repeats_nothing(laptop: Laptop, files: list[Path]) -> None:
    before = laptop.manifests()
    assert laptop.run(CLASSIFICATION, f"raw/{files[-3].name}") == "success"
    assert laptop.manifests() == before


def test_all_goes_on_after_local_aws_was_killed(laptop: Laptop, files: list[Path]) -> None:
    before, pointer = laptop.manifests(), laptop.bucket.read_json("models/latest")
    laptop.aws.end(signal.SIGKILL)
    laptop.aws.start()
    laptop.set_up()
    # Of the jobs of before nobody knows: they are found by their output, or done again.
    assert laptop.run(CLASSIFICATION, f"raw/{files[-3].name}") == "success"
    assert laptop.manifests() == before
    third = laptop.put(files[-1])
    assert until(lambda: laptop.of(third))["state"] == "success"
    assert len(laptop.manifests()) == 3
    assert laptop.run(TRAINING, "history/") == "success"
    assert laptop.bucket.read_json("models/latest") == pointer
