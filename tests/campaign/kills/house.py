"""One orchestrator on a local AWS with the real jobs and little data, and what of a flow is visible at its end."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.models.registry import model_in_service
from complaints.settings import Settings, load_settings
from deploy.local import deploy, deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from laptop import inputs
from laptop.sample import write_sample
from laptop.servers.airflow import Airflow
from laptop.servers.orchestrator import ENDED
from laptop.servers.stack import CLASSIFICATION, MONITORING, TRAINING
from laptop.servers.step_functions import StepFunctions
from localaws import LocalAWS
from localaws.jobs.job import Job, Phase
from tests.campaign.kills.victims import Kill, victims
from tests.parity.house import DAGS_STAY, LocalClients, impatient
from tests.waiting import until

SOURCES = {TRAINING: "history/", CLASSIFICATION: "raw/"}
HOSTILE = (
    "{{ conf }}",
    "raw/{{ ds }}/",
    "raw/a.csv;rm -rf /",
    "../secrets/",
    "raw/../models/",
    "s3://other/raw/",
    "raw",
)
# What a run leaves; the rest is there before it.
_OF_CLASSIFICATION = ("processed/", "quarantine/", "results/", "manifests/", "ledger/")
# A task whose worker is gone is noticed when it has not been heard of for this long.
_HEARTBEATS = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


class House:
    """One bucket, one model, and an orchestrator to run the flows."""

    def __init__(self, aws: LocalAWS, settings: Settings, folder: Path, orchestrator: Any) -> None:
        self.aws = aws
        self.folder = folder
        self.orchestrator = orchestrator
        self.bucket = Bucket(aws.client("s3"), settings.pipeline.storage.bucket)
        self._since = 0.0

    def reset(self, flow: str) -> None:
        """As if the flow had never run, but for what AWS remembers of its jobs."""
        self._since = time.time()
        prefixes, kept = (*_OF_CLASSIFICATION, "models/"), None
        if flow != TRAINING:
            # The rows that the model was trained on stay with it: scores leave out what it has seen.
            prefixes, kept = _OF_CLASSIFICATION, f"processed/run_id={model_in_service(self.bucket)['run_id']}/"
        for each in [found for prefix in prefixes for found in self.bucket.objects(prefix)]:
            if kept is None or not each.key.startswith(kept):
                self.bucket.client.delete_object(Bucket=self.bucket.name, Key=each.key)

    def start(self, flow: str, source: str | None = None) -> str:
        """Starts the flow; its run."""
        run: str = self.orchestrator.trigger(flow, {"source": SOURCES[flow] if source is None else source})
        return run

    def end(self, flow: str, run: str) -> str:
        """The run's state once it is over."""
        until(lambda: self.has_ended(flow, run), f"the end of {flow}", every=0.3)
        return str(self.orchestrator.state(flow, run))

    def has_ended(self, flow: str, run: str) -> bool:
        """True if the run is over, whichever way."""
        return self.orchestrator.state(flow, run) in ENDED

    def again(self, flow: str, run: str, *, clear: bool) -> str:
        """Runs the flow again, in Airflow by clearing the failed tasks where `clear` is set; the run."""
        if not clear or not isinstance(self.orchestrator, Airflow):
            return self.start(flow)
        body = {"dry_run": False, "dag_run_id": run, "only_failed": True, "reset_dag_runs": True}
        self.orchestrator.call("POST", f"/api/v2/dags/{flow}/clearTaskInstances", body)
        return run

    def victims(self, kind: str) -> list[Kill]:
        """How to kill each of those that are alive."""
        airflow = self.orchestrator.server.pid if isinstance(self.orchestrator, Airflow) else 0
        return victims(kind, self.aws, self.folder, airflow)

    def planned(self) -> set[str]:
        """The keys of the plans that were made."""
        return {each.key for each in self.bucket.objects("manifests/planned/")}

    @property
    def jobs(self) -> list[Job]:
        """The jobs and function calls since the last reset, the oldest first."""
        return sorted((job for job in self.aws.jobs if job.created >= self._since), key=lambda job: job.created)

    def visible(self, flow: str) -> dict[str, Any]:
        """All that anybody may rely on: of a classification what its manifest names, of a training its model."""
        if flow == TRAINING:
            return self._model()
        manifests = {each.key: self.bucket.read_json(each.key) for each in self.bucket.objects("manifests/run_id=")}
        named = [file["key"] for manifest in manifests.values() for file in manifest["results"]]
        return {**manifests, **{key: self.bucket.sha256(key) for key in named}}

    def _model(self) -> dict[str, Any]:
        pointer = self.bucket.read_json("models/latest")
        if pointer is None:
            return {}
        folder = f"models/versioned/{pointer['version']}/"
        record = self.bucket.read_json(f"{folder}model.json")
        # Which attempt trained it, and when, is no part of what it is.
        for name in ("training_job_name", "refit_job_name", "created_at"):
            del record[name]
        # Nor when it was promoted.
        latest = {name: pointer[name] for name in ("version", "previous")}
        return {"latest": latest, "record": record, "model": self.bucket.sha256(f"{folder}model.tar.gz")}


def started_twice(jobs: list[Job]) -> list[str]:
    """The jobs for the same work that ran at the same time, or again after one had succeeded; by their names."""
    attempts: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        if "FunctionName" not in job.request:
            attempts[_work(job.request)].append(job)
    wrong = []
    for same in attempts.values():
        ordered = sorted(same, key=lambda job: job.created)
        for before, after in pairwise(ordered):
            if before.ended is None or after.created < before.ended or before.phase is Phase.SUCCEEDED:
                wrong.append(f"{before.name} ({before.phase.name}) and then {after.name}")
    return wrong


def _work(request: Mapping[str, Any]) -> str:
    if "JobName" in request:
        return hashlib.sha256(json.dumps([request["JobName"], request["Arguments"]]).encode()).hexdigest()
    name = next(value for key, value in request.items() if key.endswith("JobName"))
    return str(name).rpartition("-")[0]


@contextmanager
def house(folder: Path, orchestrator: str, venv: str = "airflow") -> Iterator[House]:
    """A house with `airflow`, of the version in a virtual environment, or `stepfunctions`, and nobody ill in it yet."""
    patience = {"retry_delay_seconds": 1, "poll_seconds": 1}
    code = impatient(folder / "house", patience)
    settings = load_settings(code / "dags" / "complaints" / "config")
    sample = write_sample(folder / "sample", training_rows=400, classify_rows=200)
    # One JVM for all Spark jobs, until a kill ends it: each new one costs more than the rest of such a small job.
    with LocalAWS(folder / "aws", reuse_jvm=True) as aws:
        clients: Any = LocalClients(aws)
        deploy_infrastructure(settings.pipeline, clients.clients())
        deploy(settings.pipeline, clients.clients())
        machines = deploy_pipeline(settings.pipeline, clients.clients(), root=code, starts=False)
        s3, bucket = aws.client("s3"), settings.pipeline.storage.bucket
        inputs.upload(s3, bucket, "history/", sample.training)
        inputs.upload(s3, bucket, "raw/", sample.classify)
        if orchestrator == "stepfunctions":
            yield House(aws, settings, folder, StepFunctions(clients, machines, settings.pipeline))
            return
        endpoint = {**aws.environment(), **_HEARTBEATS, **DAGS_STAY}
        airflow = Airflow(folder / "airflow", endpoint, dags=code / "dags", venv=venv, serve_logs=False)
        with airflow.server:
            airflow.wait_until_ready([TRAINING, CLASSIFICATION, MONITORING])
            # It would follow each publication, and send messages of its own.
            airflow.call("PATCH", f"/api/v2/dags/{MONITORING}", {"is_paused": True})
            yield House(aws, settings, folder, airflow)
