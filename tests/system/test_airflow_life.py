"""What people do with models in Airflow, for real: one approves a model there, another classifies a month again."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.models.packages import Packages
from complaints.runs import results
from complaints.settings import load_settings
from deploy.local import deploy, deploy_infrastructure
from laptop.inputs import upload
from laptop.sample import write_sample
from laptop.servers.airflow import Airflow, deploy_dags
from laptop.servers.orchestrator import ENDED
from laptop.servers.processes import ServerError
from laptop.servers.stack import CLASSIFICATION, MONITORING, TRAINING
from localaws import LocalAWS
from tests.parity.house import DAGS_STAY, LocalClients
from tests.waiting import until

BACKFILL = "complaints_backfill"


def with_approval_by_a_person(folder: Path) -> Path:
    """The DAGs, in an environment where a person approves each model."""
    dags = deploy_dags(folder, {"orchestration": {"poll_seconds": 1}})
    config = dags / "complaints" / "config" / "model_config.yaml"
    text = config.read_text(encoding="utf-8")
    assert "  approval: none " in text
    config.write_text(text.replace("  approval: none ", "  approval: person "), encoding="utf-8")
    return dags


class Life:
    """Airflow, local AWS with the release, and a history."""

    def __init__(self, aws: LocalAWS, airflow: Airflow, dags: Path) -> None:
        settings = load_settings(dags / "complaints" / "config").pipeline
        self.airflow = airflow
        self.bucket = Bucket(aws.client("s3"), settings.storage.bucket)
        self.packages = Packages(aws.client("sagemaker"), self.bucket.name)
        clients = LocalClients(aws).clients()
        deploy_infrastructure(settings, clients)
        deploy(settings, clients)

    def run(self, dag_id: str, given: Mapping[str, Any]) -> str:
        """A run at its end, which must be a success."""
        run = self.airflow.trigger(dag_id, given)
        self.ended(dag_id, run)
        return run

    def ended(self, dag_id: str, run: str) -> None:
        until(lambda: self.airflow.state(dag_id, run) in ENDED, f"the end of {run}", every=0.5)
        assert self.states(dag_id, run).get("failed", []) == []
        assert self.airflow.state(dag_id, run) == "success"

    def states(self, dag_id: str, run: str) -> dict[str, list[str]]:
        """The tasks of a run by state."""
        found: dict[str, list[str]] = {}
        for each in self.airflow.tasks(dag_id, urllib.parse.quote(run)):
            found.setdefault(str(each["state"]), []).append(each["task_id"])
        return found

    def classifications(self) -> int:
        return sum(self.airflow.counts(CLASSIFICATION).values())


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    dags = with_approval_by_a_person(folder / "dags")
    sample = write_sample(folder / "sample", training_rows=400, classify_rows=200)
    with LocalAWS(folder / "aws", reuse_jvm=True) as aws:
        airflow = Airflow(folder / "airflow", {**aws.environment(), **DAGS_STAY}, dags=dags)
        with airflow.server:
            found = Life(aws, airflow, dags)
            upload(found.bucket.client, found.bucket.name, "history/", sample.training)
            upload(found.bucket.client, found.bucket.name, "raw/", sample.classify)
            airflow.wait_until_ready([TRAINING, CLASSIFICATION, BACKFILL])
            airflow.call("PATCH", f"/api/v2/dags/{MONITORING}", {"is_paused": True})
            yield found


def test_a_model_waits_until_a_person_approves_it_in_airflow(life: Life) -> None:
    run = life.airflow.trigger(TRAINING, {"source": "history/"})
    until(lambda: "approve_model" in life.states(TRAINING, run).get("deferred", []), "the question", every=0.5)
    assert registry.model_in_service_if_any(life.bucket) is None
    waiting = life.packages.approval_of("v1")
    assert waiting is not None
    assert waiting.status == "PendingManualApproval"

    task = f"/api/v2/dags/{TRAINING}/dagRuns/{urllib.parse.quote(run)}/taskInstances/approve_model/-1/hitlDetails"
    assert life.airflow.call("GET", task)["options"] == ["Approve", "Reject"]
    life.airflow.call("PATCH", task, {"chosen_options": ["Approve"], "params_input": {}})
    life.ended(TRAINING, run)
    approved = life.packages.approval_of("v1")
    assert approved is not None
    assert approved.status == "Approved"
    assert registry.model_in_service(life.bucket)["version"] == "v1"
    with pytest.raises(ServerError, match="409"):
        life.airflow.call("PATCH", task, {"chosen_options": ["Reject"], "params_input": {}})


def second_version(bucket: Bucket) -> None:
    """v2 is v1 by another name: a backfill needs two versions, and not two trainings."""
    first, second = registry.ModelVersion(1), registry.ModelVersion(2)
    record = bucket.read_json(first.record_key) or {}
    body = bucket.client.get_object(Bucket=bucket.name, Key=first.artifact_key)["Body"].read()
    bucket.client.put_object(Bucket=bucket.name, Key=second.artifact_key, Body=body, IfNoneMatch="*")
    uri = f"s3://{bucket.name}/{second.artifact_key}"
    bucket.write_json(second.record_key, {**record, "version": "v2", "artifact_uri": uri}, if_absent=True)


def test_a_backfill_says_what_it_would_do_then_does_it_and_both_versions_stand_side_by_side(life: Life) -> None:
    life.run(CLASSIFICATION, {"source": "raw/"})
    (first,) = results.current_runs(life.bucket)
    second_version(life.bucket)
    month = {"from": first.manifest["arrived_at"][:7], "version": "v2"}
    before = life.classifications()
    life.airflow.unpause(BACKFILL)

    dry = life.run(BACKFILL, month)
    assert "classify_again" in life.states(BACKFILL, dry)["skipped"]
    planned = life.airflow.xcom(BACKFILL, dry, "plan_backfill", "return_value")
    assert (planned["number"], planned["dry_run"], life.classifications()) == (1, True, before)
    assert planned["estimate"].startswith(f"1 classifications of {month['from']}")

    real = life.run(BACKFILL, {**month, "dry_run": False})
    assert "classify_again" in life.states(BACKFILL, real)["success"]
    assert life.classifications() == before + 1
    (current,), (stated,) = results.current_runs(life.bucket), results.current_runs(life.bucket, "v1")
    assert (current.manifest["model_version"], stated.run_id) == ("v2", first.run_id)
    (pair,) = life.bucket.read_json(life.bucket.key(planned["results_uri"]))["runs"]  # type: ignore[index]
    assert (pair["before"]["run_id"], pair["after"]["run_id"]) == (first.run_id, current.run_id)
    # The same model by two names.
    assert pair["before"]["predicted_products"] == pair["after"]["predicted_products"]

    assert life.airflow.xcom(BACKFILL, life.run(BACKFILL, month), "plan_backfill", "return_value")["number"] == 0
