"""Local AWS and Airflow side by side, the release deployed and the data uploaded: what any flow needs to run."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from complaints.settings import PipelineSettings
from deploy.__main__ import deploy
from laptop import inputs
from laptop.airflow import Airflow
from laptop.aws import Aws

TRAINING, CLASSIFICATION = "complaints_training", "complaints_classification"


@dataclass(frozen=True)
class Stack:
    """Both servers, ready, and the name of the release that they run."""

    aws: Aws
    airflow: Airflow
    release: str


@contextmanager
def running(
    build: Path, settings: PipelineSettings, history: Sequence[Path], raw: Sequence[Path], port: int | None = None
) -> Iterator[Stack]:
    """Starts both servers below `build` and stops them at the end, whatever happens in between.

    Airflow listens on `port`, or on any free one.

    Raises:
        ServerError: Airflow or local AWS did not start.
    """
    # SIGTERM must unwind the stack as Ctrl-C does, so that both servers are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    aws = Aws(build / "aws", settings.aws.region)
    with aws.server:
        aws.wait_until_ready()
        airflow = Airflow((build / "airflow").absolute(), aws.environment(), port)
        with airflow.server, ThreadPoolExecutor(1) as beside:
            uploaded = beside.submit(_upload, aws, settings, history, raw)
            airflow.wait_until_ready([TRAINING, CLASSIFICATION])
            yield Stack(aws, airflow, uploaded.result())


def _upload(aws: Aws, settings: PipelineSettings, history: Sequence[Path], raw: Sequence[Path]) -> str:
    """The bucket, the release and the data, as they would be on AWS; returns the release."""
    s3, bucket = aws.client("s3"), settings.storage.bucket
    s3.create_bucket(Bucket=bucket)
    release = deploy(settings, aws.session(), aws.endpoint)
    inputs.upload(s3, bucket, settings.storage.history, history)
    inputs.upload(s3, bucket, settings.storage.raw, raw)
    return release
