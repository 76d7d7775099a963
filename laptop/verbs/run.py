"""`make run`: trains and classifies once, from files on disk to published results, and leaves nothing running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings, load_settings
from laptop.inputs import InputError, Inputs, complaints_files, object_names
from laptop.report import run_folder, summary
from laptop.report.collect import Results
from laptop.report.quarantine import download_quarantine
from laptop.sample import write_sample
from laptop.servers.aws_jobs import AwsJobs
from laptop.servers.flow_runs import follow
from laptop.servers.stack import (
    CLASSIFICATION,
    MONITORING,
    TRAINING,
    Data,
    Stack,
    airflow_stack,
    delivery,
    step_functions_stack,
)
from laptop.terminal import Progress, printable, write

BUILD = Path("build") / "run"
STACKS: dict[str, Callable[..., AbstractContextManager[Stack[Any]]]] = {
    "airflow": partial(airflow_stack, unattended=True),
    "stepfunctions": step_functions_stack,
}
_SKIPPED_SHOWN = 5


@dataclass(frozen=True)
class RunInputs:
    """The files that were named for a run, and the folder of the generated sample, which takes the place of others."""

    train: Inputs
    classify: Inputs
    sample: Path

    @property
    def skipped(self) -> Sequence[Path]:
        """The named files that are not used."""
        return [*self.train.skipped, *self.classify.skipped]

    @property
    def is_synthetic(self) -> bool:
        """True if any files belong to the sample."""
        return not (self.train.files and self.classify.files)

    def data(self) -> Data:
        """The files of the run; writes the sample if it is needed."""
        if not self.is_synthetic:
            return Data(self.train.files, self.classify.files)
        sample = write_sample(self.sample)
        return Data(self.train.files or sample.training, self.classify.files or sample.classify)


def run(
    train: Sequence[Path], classify: Sequence[Path], build: Path = BUILD, orchestrator: str = "airflow"
) -> dict[str, Any]:
    """Trains on `train` and classifies `classify` (the sample where empty); returns the content of summary.json.

    `orchestrator` is "airflow" or "stepfunctions". Everything is written to `build`, which is emptied first; what the
    last runs left is kept in `build/earlier`.

    Raises:
        InputError: a path cannot be used.
        RunFolderError: `build` is in use, or is not ours.
        RunFailedError: a flow failed.
        ServerError: Airflow or local AWS did not start, or died.
    """
    named = _checked(train, build), _checked(classify, build)
    with run_folder.held(build):
        return _run(named, build, orchestrator)


def _run(named: tuple[Inputs, Inputs], build: Path, orchestrator: str) -> dict[str, Any]:
    progress = Progress()
    run_folder.make_room(build)
    files = RunInputs(*named, build / "synthetic-sample")
    settings = load_settings().pipeline
    for note in _notes(files, settings):
        progress.report(note)

    sample = ", with the synthetic sample" if files.is_synthetic else ""
    progress.report(f"starting local AWS and {orchestrator}{sample}")
    with STACKS[orchestrator](build, settings, files.data) as stack:
        start_up = progress.seconds()
        progress.report(
            f"{orchestrator} is ready; local AWS at {stack.aws.endpoint}, release {stack.release} is deployed"
        )
        try:
            flows = _flows(stack, settings, AwsJobs(stack.aws, settings), progress)
        finally:
            # Also after a failure, which quarantined rows may explain.
            download_quarantine(stack.aws.client("s3"), settings.storage.bucket, build / "quarantine.csv")
        found = Results(stack.aws.client("s3"), settings.storage.bucket)
        found.download_predictions(build / "predictions")
        seconds = _seconds(progress.seconds(), start_up, flows)
        document = {
            **_document(found, flows, seconds, build),
            "synthetic": files.is_synthetic,
            "orchestrator": orchestrator,
            "skipped_files": {"count": len(files.skipped), "first": _first(files.skipped)},
        }
    run_folder.write(build, document)
    write(summary.text(document))
    return document


def _checked(paths: Sequence[Path], build: Path) -> Inputs:
    """The complaints files of `paths`, none of which the run would delete.

    Raises:
        InputError: a path cannot be used, or lies in the folder that the run empties.
    """
    found = complaints_files(paths)
    for file in found.files:
        if file.resolve().is_relative_to(build.resolve()):
            raise InputError(f"{file} is in {build}, which a run empties first; copy it to another folder")
    return found


def _notes(files: RunInputs, settings: PipelineSettings) -> list[str]:
    """Notes for the user: files that are skipped, or uploaded under another name."""
    notes = []
    for prefix, paths in ((settings.storage.history, files.train.files), (delivery(settings), files.classify.files)):
        for path, name in zip(paths, object_names(paths), strict=True):
            # A number before the name needs no explanation.
            if not name.endswith(path.name):
                notes.append(f"{path} is uploaded as {prefix}{name}, as the flows accept no other characters in a key")
    if files.skipped:
        more = f" and {len(files.skipped) - _SKIPPED_SHOWN} more" if len(files.skipped) > _SKIPPED_SHOWN else ""
        shown = ", ".join(_first(files.skipped))
        notes.append(f"skipped files (empty, or named like temporary files): {len(files.skipped)}: {shown}{more}")
    return notes


def _first(skipped: Sequence[Path]) -> list[str]:
    return [printable(str(path)) for path in skipped[:_SKIPPED_SHOWN]]


def _flows(stack: Stack[Any], settings: PipelineSettings, jobs: AwsJobs, progress: Progress) -> list[dict[str, Any]]:
    flows = []
    for dag_id, source in ((TRAINING, settings.storage.history), (CLASSIFICATION, delivery(settings))):
        run_id = stack.orchestrator.trigger(dag_id, {"source": source})
        flows.append(follow(stack.orchestrator, jobs, dag_id, run_id, progress.report))
    # The publication has started it.
    run_id = stack.orchestrator.started(MONITORING)
    flows.append(follow(stack.orchestrator, jobs, MONITORING, run_id, progress.report))
    return flows


def _seconds(total: float, start_up: float, flows: list[dict[str, Any]]) -> dict[str, float]:
    """The duration of the run in parts: starting the servers, the jobs on AWS, and orchestration around the jobs."""
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
