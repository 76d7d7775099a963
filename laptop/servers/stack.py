"""Local AWS and an orchestrator side by side, the release deployed and the data uploaded: what any flow needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from complaints.settings import PipelineSettings
from deploy.__main__ import deploy, deploy_serverless
from laptop import inputs
from laptop.servers.airflow import Airflow
from laptop.servers.aws import Aws, AwsAt
from laptop.servers.leftovers import mark
from laptop.servers.orchestrator import Orchestrator
from laptop.servers.step_functions import StepFunctions
from laptop.servers.stopping import leaving_nothing

TRAINING, CLASSIFICATION = "complaints_training", "complaints_classification"


def delivery(settings: PipelineSettings) -> str:
    """Where the files to classify are put: they are one batch, of however many files."""
    return f"{settings.storage.batches}laptop/"


Who = TypeVar("Who", bound=Orchestrator)


@dataclass(frozen=True)
class Stack(Generic[Who]):
    """Local AWS and an orchestrator, ready, and the name of the release that they run."""

    aws: Aws
    orchestrator: Who
    release: str


@contextmanager
def running(
    build: Path,
    settings: PipelineSettings,
    history: Sequence[Path],
    raw: Sequence[Path],
    *,
    port: int | None = None,
    aws_port: int = 0,
    keep: bool = False,
    dag_ids: Sequence[str] = (TRAINING, CLASSIFICATION),
) -> Iterator[Stack[Airflow]]:
    """Local AWS and Airflow below `build`, stopped at the end, whatever happens in between.

    Airflow listens on `port`, and local AWS on `aws_port`, or on any free one. `keep`: S3 and the models are those that
    were left there. Ready when `dag_ids` can be triggered.

    Raises:
        ServerError: Airflow or local AWS did not start.
    """
    with _aws(build, settings, aws_port, keep) as aws, ThreadPoolExecutor(1) as beside:
        uploaded = beside.submit(_upload, aws, settings, history, raw)
        if keep:
            # Runs that were left unfinished go on as soon as Airflow does, and need the jobs of this release.
            uploaded.result()
        airflow = Airflow((build / "airflow").absolute(), {**aws.environment(), **mark(build)}, port)
        with airflow.server:
            airflow.wait_until_ready(dag_ids)
            yield Stack(aws, airflow, uploaded.result())


@contextmanager
def serverless(
    build: Path, settings: PipelineSettings, history: Sequence[Path], raw: Sequence[Path]
) -> Iterator[Stack[StepFunctions]]:
    """Local AWS below `build` with the compiled state machines deployed; no Airflow anywhere.

    Raises:
        ServerError: local AWS did not start.
    """
    with _aws(build, settings) as aws:
        release = _upload(aws, settings, history, raw)
        machines = deploy_serverless(settings, aws.clients())
        yield Stack(aws, StepFunctions(aws, machines, settings), release)


def infrastructure(aws: AwsAt, settings: PipelineSettings) -> None:
    """What must be there before anything is deployed: the bucket, the roles, the topic of alerts, the queue.

    What is there already is left as it is.
    """
    s3, region = aws.client("s3"), settings.aws.region
    # us-east-1 takes no constraint, all others want one; and only there a bucket is made twice without complaint.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=settings.storage.bucket, **where)
    aws.client("sns").create_topic(Name=settings.aws.alerts_topic_arn.rpartition(":")[2])
    aws.client("sqs").create_queue(QueueName=settings.aws.dead_letter_queue_arn.rpartition(":")[2])
    iam = aws.client("iam")
    # Lambda takes a function only with a role that it may assume.
    arns = {"lambda": settings.aws.lambda_role_arn, "states": settings.aws.states_role_arn}
    for service, arn in arns.items():
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=arn.rpartition("/")[2], AssumeRolePolicyDocument=document)


@contextmanager
def _aws(build: Path, settings: PipelineSettings, port: int = 0, keep: bool = False) -> Iterator[Aws]:
    """Local AWS, being started."""
    with leaving_nothing(build):
        aws = Aws(build / "aws", settings.aws.region, port=port, keep=keep, mark=mark(build))
        with aws.server:
            yield aws


def _upload(aws: Aws, settings: PipelineSettings, history: Sequence[Path], raw: Sequence[Path]) -> str:
    """The bucket, the release and the data, as they would be on AWS; returns the release."""
    aws.wait_until_ready()
    infrastructure(aws, settings)
    release = deploy(settings, aws.clients())
    s3, bucket = aws.client("s3"), settings.storage.bucket
    inputs.upload(s3, bucket, settings.storage.history, history)
    inputs.upload(s3, bucket, delivery(settings), raw)
    return release
