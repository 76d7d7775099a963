"""`make run`: everything once, from files on disk to published results, with nothing left running afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings, load_settings
from laptop import inputs
from laptop.report import page, summary
from laptop.report.collect import Results
from laptop.report.quarantine import download_quarantine
from laptop.servers.aws_jobs import AwsJobs
from laptop.servers.flow_runs import Progress, follow
from laptop.servers.stack import CLASSIFICATION, TRAINING, Stack, delivery, running, serverless

BUILD = Path("build") / "run"
STACKS: dict[str, Callable[..., AbstractContextManager[Stack[Any]]]] = {
    "airflow": running,
    "stepfunctions": serverless,
}


def run(
    train: Sequence[Path], classify: Sequence[Path], build: Path = BUILD, orchestrator: str = "airflow"
) -> dict[str, Any]:
    """Trains on `train`, classifies `classify` (the sample where empty); returns the summary and writes it down.

    `orchestrator` is "airflow" or "stepfunctions".

    Raises:
        InputError: a path cannot be used.
        RunFailedError: a flow failed.
        ServerError: Airflow or local AWS did not start, or died.
    """
    progress = Progress(lambda line: print(line, flush=True))
    inputs.check(train, classify)
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    history, raw, synthetic = inputs.sample_or(train, classify, build / "synthetic-sample")
    settings = load_settings().pipeline

    progress.say(f"starting local AWS and {orchestrator}" + (", with the synthetic sample" if synthetic else ""))
    start = STACKS[orchestrator]
    with start(build, settings, history, raw) as stack:
        start_up = progress.seconds()
        progress.say(f"{orchestrator} is ready; local AWS at {stack.aws.endpoint} has release {stack.release}")
        try:
            flows = _flows(stack, settings, AwsJobs(stack.aws, settings), progress)
        finally:
            # Of a run that failed above all: it may be the reason.
            download_quarantine(stack.aws.client("s3"), settings.storage.bucket, build / "quarantine.csv")
        found = Results(stack.aws.client("s3"), settings.storage.bucket)
        found.download_predictions(build / "predictions")
        seconds = _seconds(progress.seconds(), start_up, flows)
        document = _document(found, flows, seconds, build) | {"synthetic": synthetic, "orchestrator": orchestrator}
    (build / "summary.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (build / "report.html").write_text(page.render(document), encoding="utf-8")
    print(summary.text(document), flush=True)
    return document


def _flows(stack: Stack[Any], settings: PipelineSettings, jobs: AwsJobs, progress: Progress) -> list[dict[str, Any]]:
    flows = []
    for dag_id, source in ((TRAINING, settings.storage.history), (CLASSIFICATION, delivery(settings))):
        run_id = stack.orchestrator.trigger(dag_id, {"source": source})
        flows.append(follow(stack.orchestrator, jobs, dag_id, run_id, progress))
    return flows


def _seconds(total: float, start_up: float, flows: list[dict[str, Any]]) -> dict[str, float]:
    """Where the time went: the servers' start, the jobs on AWS, and all that stands around the jobs."""
    work = sum(step["job_seconds"] or 0.0 for flow in flows for step in flow["steps"])
    parts = {"start_up": start_up, "work": work, "orchestration": total - start_up - work, "total": total}
    return {name: round(value, 1) for name, value in parts.items()}


def _document(found: Results, flows: list[dict[str, Any]], seconds: dict[str, float], build: Path) -> dict[str, Any]:
    named = {"predictions": "predictions", "quarantine": "quarantine.csv", "report": "report.html"}
    places = {name: str(build / file) for name, file in named.items()}
    return {
        "seconds": seconds,
        "flows": flows,
        **found.summary(),
        "results": {**places, **found.locations()},
    }
