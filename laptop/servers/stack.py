"""Local AWS and an orchestrator together, with the release deployed and the data uploaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from complaints.settings import PipelineSettings
from deploy.local import deploy, deploy_infrastructure
from deploy.pipeline import deploy_pipeline
from laptop.inputs import upload
from laptop.servers.airflow import DAGS, Airflow, deploy_dags
from laptop.servers.aws import Aws
from laptop.servers.leftovers import mark
from laptop.servers.orchestrator import Orchestrator
from laptop.servers.step_functions import StepFunctions
from laptop.servers.stopping import stopping_everything

# Where nothing runs but three flows whose jobs take seconds, looking more often costs less than it saves.
_HURRY = {
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
    # Nobody edits a DAG meanwhile.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    # The triggerer starts and reports triggers five times a second. Airflow has no setting for it, and does so once.
    "PTMLOPS_TRIGGERER_SECONDS": "0.2",
}
_HURRIED_SETTINGS = {"orchestration": {"poll_seconds": 0.25}}

TRAINING, CLASSIFICATION = "complaints_training", "complaints_classification"
MONITORING = "complaints_monitoring"


def delivery(settings: PipelineSettings) -> str:
    """The prefix of the files to classify: they are one batch, however many there are."""
    return f"{settings.storage.batches}laptop/"


class Data(NamedTuple):
    """The files that are uploaded to train on, and those to classify."""

    history: Sequence[Path]
    raw: Sequence[Path]


AnyOrchestrator = TypeVar("AnyOrchestrator", bound=Orchestrator)


@dataclass(frozen=True)
class Stack(Generic[AnyOrchestrator]):
    """Local AWS and an orchestrator, both ready, and the id of the deployed release."""

    aws: Aws
    orchestrator: AnyOrchestrator
    release: str


@contextmanager
def airflow_stack(
    build: Path,
    settings: PipelineSettings,
    data: Callable[[], Data],
    *,
    port: int | None = None,
    aws_port: int = 0,
    keep: bool = False,
    unattended: bool = False,
    dag_ids: Sequence[str] = (TRAINING, CLASSIFICATION, MONITORING),
) -> Iterator[Stack[Airflow]]:
    """Local AWS and Airflow, with their files below `build`, stopped at the end of the block.

    `data` is called while they start.
    Airflow listens on `port` and local AWS on `aws_port`, or on any free port. `keep` keeps the S3 objects and models
    of an earlier start. `unattended` runs short flows faster: it polls more often, the Spark jobs share a JVM, and the
    UI shows no log of a running task and no other DAGs. The block begins once `dag_ids` can be triggered.

    Raises:
        ServerError: Airflow or local AWS did not start.
    """
    with _aws(build, settings, aws_port, keep, unattended) as aws, ThreadPoolExecutor(1) as beside:
        uploaded = beside.submit(_upload, aws, settings, data)
        if keep:
            # Unfinished runs continue as soon as Airflow has started, and need the jobs of this release.
            uploaded.result()
        home, environment, dags = (build / "airflow").absolute(), {**aws.environment(), **mark(build)}, DAGS
        if unattended:
            # Each DAG more would have to be parsed before the first run.
            environment, dags = {**environment, **_HURRY}, deploy_dags(home / "dags", _HURRIED_SETTINGS, dag_ids)
        airflow = Airflow(home, environment, port, dags, serve_logs=not unattended)
        with airflow.server:
            airflow.wait_until_ready(dag_ids)
            yield Stack(aws, airflow, uploaded.result())


@contextmanager
def step_functions_stack(
    build: Path, settings: PipelineSettings, data: Callable[[], Data]
) -> Iterator[Stack[StepFunctions]]:
    """Local AWS, with its files below `build` and the compiled state machines deployed; no Airflow.

    `data` is called while local AWS starts. The Spark jobs share a JVM, which is faster.

    Raises:
        ServerError: local AWS did not start.
    """
    with _aws(build, settings, reuse_jvm=True) as aws:
        release = _upload(aws, settings, data)
        machines = deploy_pipeline(settings, aws.clients())
        yield Stack(aws, StepFunctions(aws, machines, settings), release)


@contextmanager
def _aws(
    build: Path, settings: PipelineSettings, port: int = 0, keep: bool = False, reuse_jvm: bool = False
) -> Iterator[Aws]:
    """Local AWS, started but not yet ready."""
    with stopping_everything(build):
        aws = Aws(build / "aws", settings.aws.region, port=port, keep=keep, mark=mark(build), reuse_jvm=reuse_jvm)
        with aws.server:
            yield aws


def _upload(aws: Aws, settings: PipelineSettings, data: Callable[[], Data]) -> str:
    """Deploys the stacks and the release, and uploads the data; returns the release."""
    history, raw = data()
    aws.wait_until_ready()
    clients = aws.clients()
    deploy_infrastructure(settings, clients)
    release = deploy(settings, clients)
    s3, bucket = aws.client("s3"), settings.storage.bucket
    upload(s3, bucket, settings.storage.history, history)
    upload(s3, bucket, delivery(settings), raw)
    return release
