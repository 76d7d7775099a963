"""`make run`: everything once, from files on disk to published results, with nothing left running afterwards."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings, load_settings
from deploy.__main__ import deploy
from laptop import inputs, report, summary
from laptop.airflow import Airflow
from laptop.aws import Aws
from laptop.collect import Results
from laptop.job_times import AwsJobs
from laptop.watch import Progress, follow

BUILD = Path("build") / "run"
TRAINING, CLASSIFICATION = "complaints_training", "complaints_classification"


def run(train: Sequence[Path], classify: Sequence[Path], build: Path = BUILD) -> dict[str, Any]:
    """Trains on `train`, classifies `classify` (the sample where empty); returns the summary and writes it down.

    Raises:
        InputError: a path cannot be used.
        RunFailedError: a flow failed.
        ServerError: Airflow or local AWS did not start, or died.
    """
    progress = Progress(lambda line: print(line, flush=True))
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    history, raw, synthetic = inputs.sample_or(train, classify, build / "synthetic-sample")
    settings = load_settings().pipeline
    # SIGTERM must unwind the stack as Ctrl-C does, so that both servers are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    progress.say("starting local AWS and Airflow" + (" (with the synthetic sample)" if synthetic else ""))
    aws = Aws(build / "aws", settings.aws.region)
    with aws.server:
        aws.wait_until_ready()
        airflow = Airflow((build / "airflow").absolute(), aws.environment())
        with airflow.server, ThreadPoolExecutor(1) as beside:
            uploaded = beside.submit(_upload, aws, settings, history, raw)
            airflow.wait_until_ready([TRAINING, CLASSIFICATION])
            release = uploaded.result()
            start_up = progress.seconds()
            progress.say(f"Airflow is ready; local AWS at {aws.endpoint} has release {release}")
            flows = _flows(airflow, AwsJobs(aws, settings), progress)
            found = Results(aws.client("s3"), settings.storage.bucket)
            return _finish(found, flows, start_up, progress.seconds(), synthetic, build)


def _upload(aws: Aws, settings: PipelineSettings, history: Sequence[Path], raw: Sequence[Path]) -> str:
    """The bucket, the release and the data, as they would be on AWS; returns the release."""
    s3, bucket = aws.client("s3"), settings.storage.bucket
    s3.create_bucket(Bucket=bucket)
    release = deploy(settings, aws.session(), aws.endpoint)
    inputs.upload(s3, bucket, settings.storage.history, history)
    inputs.upload(s3, bucket, settings.storage.raw, raw)
    return release


def _flows(airflow: Airflow, jobs: AwsJobs, progress: Progress) -> list[dict[str, Any]]:
    flows = []
    for dag_id in (TRAINING, CLASSIFICATION):
        run_id = airflow.trigger(dag_id, {})
        flows.append(follow(airflow, jobs, dag_id, run_id, progress))
    return flows


def _finish(
    found: Results, flows: list[dict[str, Any]], start_up: float, total: float, synthetic: bool, build: Path
) -> dict[str, Any]:
    found.download_predictions(build / "predictions")
    work = sum(step["job_seconds"] or 0.0 for flow in flows for step in flow["steps"])
    seconds = {
        "total": round(total, 1),
        "start_up": round(start_up, 1),
        "work": round(work, 1),
        "orchestration": round(total - start_up - work, 1),
    }
    document = {
        "synthetic": synthetic,
        "orchestrator": "airflow",
        "seconds": seconds,
        "flows": flows,
        **found.summary(),
        "results": {
            "predictions": str(build / "predictions"),
            "report": str(build / "report.html"),
            **found.locations(),
        },
    }
    (build / "summary.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (build / "report.html").write_text(report.render(document), encoding="utf-8")
    print(summary.text(document), flush=True)
    return document
