"""One local AWS, and before it both orchestrators: Airflow with the DAGs, Step Functions with what they compile to."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.models import registry
from complaints.runs import requests
from complaints.settings import Settings, load_settings
from deploy.local import deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from deploy.releases import put_release
from laptop.servers.airflow import Airflow
from laptop.servers.orchestrator import ENDED
from laptop.servers.stack import CLASSIFICATION, MONITORING, TRAINING
from laptop.servers.step_functions import StepFunctions
from localaws import LocalAWS
from tests.parity.house import DAGS_STAY, LocalClients, impatient
from tests.waiting import until

ROOT = Path(__file__).parents[2]
# What a Glue time-out of one minute takes; the jobs that shall succeed need a second.
MINUTE = 20.0
PATIENCE = {"retry_delay_seconds": 1, "poll_seconds": 1, "timeout_minutes": 1}


class Both:
    """The two orchestrators, and the AWS that they ask."""

    def __init__(self, aws: LocalAWS, settings: Settings, airflow: Airflow, machines: Mapping[str, str]) -> None:
        self.aws = aws
        self.settings = settings
        self.orchestrators: dict[str, Any] = {
            "airflow": airflow,
            "stepfunctions": StepFunctions(LocalClients(aws), machines, settings.pipeline),  # type: ignore[arg-type]
        }
        self.bucket = Bucket(aws.client("s3"), settings.pipeline.storage.bucket)
        self._inbox = _inbox(aws, settings)

    def deploy(self, files: Mapping[str, str], folder: Path) -> None:
        """The release of these job scripts, one file to classify, and a model in service."""
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        clients = {name: self.aws.client(name) for name in ("s3", "cloudformation")}
        release = put_release(clients, self.settings.pipeline, folder)
        text = f"{folder.name}\nSECRET-NARRATIVE\n"
        self.bucket.client.put_object(Bucket=self.bucket.name, Key="raw/a.csv", Body=text.encode())
        self._put_in_service(release)

    def clean(self) -> None:
        """Nothing is published and nobody has been told anything."""
        for prefix in ("manifests/", "results/", "processed/"):
            for each in list(self.bucket.objects(prefix)):
                self.bucket.client.delete_object(Bucket=self.bucket.name, Key=each.key)
        self.told()

    def _put_in_service(self, release: str) -> None:
        name, version = f"model-{release}", "v1"
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz"):
            pass
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=f"models/{name}.tar.gz", Body=packed.getvalue())
        where = f"s3://{self.bucket.name}"
        code = f"{where}/artifacts/{release}/inference.tar.gz"
        request = requests.model(name, model_uri=f"{where}/models/{name}.tar.gz", code_uri=code, settings=self.settings)
        sagemaker = self.aws.client("sagemaker")
        if name not in {each["ModelName"] for each in sagemaker.list_models()["Models"]}:
            sagemaker.create_model(**request)
        record = {"version": version, "model_name": name, "artifact_uri": f"{where}/models/{name}.tar.gz"}
        record |= {
            "run_id": "of v1",
            "release": release,
            "sha256": hashlib.sha256(packed.getvalue()).hexdigest(),
            "evaluation": {"classes": ["card"]},
        }
        self.bucket.write_json(f"models/versioned/{version}/model.json", record)
        # The bucket lets nobody write the pointer who has not read it.
        _, etag = self.bucket.read_json_and_etag(registry.LATEST)
        pointer = {"version": version, "previous": None}
        self.bucket.write_json(registry.LATEST, pointer, if_absent=etag is None, if_match=etag)

    def run(self, name: str, conf: Mapping[str, Any] | None = None, flow: str = CLASSIFICATION) -> str:
        """Runs a flow to its end; its state."""
        orchestrator = self.orchestrators[name]
        run_id = orchestrator.trigger(flow, conf or {})
        until(lambda: orchestrator.state(flow, run_id) in ENDED, f"the end of {flow}", every=0.3)
        return str(orchestrator.state(flow, run_id))

    def told(self) -> list[str]:
        """The notifications since the last call."""
        found: list[str] = []
        queues = self.aws.client("sqs")
        while messages := queues.receive_message(QueueUrl=self._inbox, MaxNumberOfMessages=10).get("Messages", []):
            for each in messages:
                found.append(json.loads(each["Body"])["Message"])
                queues.delete_message(QueueUrl=self._inbox, ReceiptHandle=each["ReceiptHandle"])
        return found

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """There is no topic to tell anything."""
        sns, topic = self.aws.client("sns"), self.settings.pipeline.aws.alerts_topic_arn
        sns.delete_topic(TopicArn=topic)
        try:
            yield
        finally:
            sns.create_topic(Name=topic.rpartition(":")[2])
            self._inbox = _inbox(self.aws, self.settings)

    def last_execution(self) -> dict[str, Any]:
        """The classification that Step Functions ran last."""
        machines = self.aws.client("stepfunctions")
        arn = self.orchestrators["stepfunctions"].machines[CLASSIFICATION]
        executions = machines.list_executions(stateMachineArn=arn)["executions"]
        newest = max(executions, key=lambda each: each["startDate"])
        described: dict[str, Any] = machines.describe_execution(executionArn=newest["executionArn"])
        return described

    def published(self) -> dict[str, Any]:
        """The manifests, by key."""
        keys = [each.key for each in self.bucket.objects("manifests/run_id=")]
        return {key: self.bucket.read_json(key) for key in keys}


def _inbox(aws: LocalAWS, settings: Settings) -> str:
    queues, topic = aws.client("sqs"), settings.pipeline.aws.alerts_topic_arn
    url: str = queues.create_queue(QueueName="inbox")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


@pytest.fixture(scope="package")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = impatient(tmp_path_factory.mktemp("parity") / "house", PATIENCE)
    settings = load_settings(folder / "dags" / "complaints" / "config")
    with LocalAWS(folder / "aws", minute=MINUTE) as aws:
        clients = LocalClients(aws).clients()
        deploy_infrastructure(settings.pipeline, clients)
        machines = deploy_pipeline(settings.pipeline, clients, root=folder, starts=False)
        airflow = Airflow(folder / "airflow", {**aws.environment(), **DAGS_STAY}, dags=folder / "dags")
        with airflow.server:
            airflow.wait_until_ready([TRAINING, CLASSIFICATION, MONITORING])
            # It would follow each publication, and send messages of its own.
            airflow.call("PATCH", f"/api/v2/dags/{MONITORING}", {"is_paused": True})
            yield Both(aws, settings, airflow, machines)
