"""The summary and the report of each run of `make up`, in `runs/<name>/`, and the note that links them in Airflow.

The name is the run id of the results, and of a run that failed one made of Airflow's.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from complaints.pages.formatting import part
from laptop.report import run_folder, runbook
from laptop.report.collect import Results
from laptop.servers.airflow import DAGS, Airflow
from laptop.servers.aws_jobs import AwsJobs
from laptop.servers.flow_runs import flow, why_failed
from laptop.servers.processes import ServerError
from laptop.servers.stack import CLASSIFICATION, TRAINING

_LONGEST_NOTE = 1_000  # characters; Airflow refuses a longer one
_PLANS = {CLASSIFICATION: "plan_classification", TRAINING: "plan_training"}
_READ = {CLASSIFICATION: "classification", TRAINING: "training"}  # the section with what was read


class RunReports:
    """Makes the reports; the predictions of all runs stand in `results/`, one folder that readers take as one table."""

    def __init__(self, airflow: Airflow, jobs: AwsJobs, s3: Any, bucket: str, folder: Path, address: str) -> None:
        """Reports go below `folder`, and are served at `address`, which a run's id is added to."""
        self._airflow, self._jobs = airflow, jobs
        self._s3, self._bucket = s3, bucket
        self._folder = folder
        self._address = address
        _set_aside(folder)

    def make(self, run: dict[str, Any]) -> str:
        """Makes the report of a run that succeeded; returns the places of its results and of the report.

        Raises:
            ServerError: Airflow does not answer.
            LookupError: the run left no plan, or results that are not complete.
        """
        dag_id, dag_run = run["dag_id"], run["dag_run_id"]
        run_id = str(self._airflow.xcom(dag_id, dag_run, _PLANS[dag_id], "run_id"))
        made = self._classification if dag_id == CLASSIFICATION else self._training
        result, document = made(run_id, dag_run)
        if aside := len(part(document, _READ[dag_id]).get("unreadable_files", [])):
            result = f"{result}, {aside} unreadable {'file' if aside == 1 else 'files'} set aside"
        return f"{result}, report {self._write(run, run_id, result, document)}"

    def make_failed(self, run: dict[str, Any]) -> str:
        """Makes the report of a run that failed, with the cause and what to do first; returns the cause and its place.

        It has a name of its own: a run of the same inputs may have succeeded before.

        Raises:
            ServerError: Airflow does not answer.
        """
        dag_id, dag_run = run["dag_id"], run["dag_run_id"]
        why = why_failed(self._airflow, dag_id, dag_run)
        failure = {
            **why._asdict(),
            "remedy": runbook.remedy(DAGS / f"{dag_id}.py", why.task_id),
            "source": str((run.get("conf") or {}).get("source", "")),
        }
        name = hashlib.sha256(f"{dag_id}/{dag_run}".encode()).hexdigest()[:16]
        return f"{why.sentence}; report {self._write(run, name, why.sentence, {'failure': failure})}"

    def _write(self, run: dict[str, Any], name: str, result: str, document: dict[str, Any]) -> str:
        """Writes a report to `runs/<name>/`, and links it in Airflow; returns its address."""
        dag_id, dag_run = run["dag_id"], run["dag_run_id"]
        steps = flow(dag_id, dag_run, run["state"], self._airflow.tasks(dag_id, dag_run), self._jobs)
        target = self._folder / "runs" / name
        places = {**document.get("results", {}), "report": str(target / "report.html")}
        run_folder.write(target, {**document, "orchestrator": "airflow", "flows": [steps], "results": places})
        link = f"\n\n[Report]({self._address}{name})"
        # Only the link on the run's page would be missing.
        with suppress(ServerError):
            self._airflow.note(dag_id, dag_run, f"{result[: _LONGEST_NOTE - len(link)]}{link}")
        return f"{self._address}{name}"

    def _classification(self, run_id: str, _: str) -> tuple[str, dict[str, Any]]:
        found, folder = Results(self._s3, self._bucket, run_id), self._folder / "results"
        found.download_predictions(folder)
        places = {"predictions": str(folder), **found.locations()}
        return f"{places['s3']}, copied to {folder}/", {**found.summary(), "results": places}

    def _training(self, _: str, dag_run: str) -> tuple[str, dict[str, Any]]:
        version = str(self._airflow.xcom(TRAINING, dag_run, "register_model", "return_value"))
        document = Results(self._s3, self._bucket).of_model(version)
        verdict = document["model"]["verdict"]["verdict"]
        return (
            f"{version} is in service" if verdict == "PROMOTE" else f"{version} is not in service: {verdict}",
            document,
        )


def _set_aside(folder: Path) -> None:
    """Moves what an earlier version left in `results/`, a folder a run, out of the way of readers of that folder."""
    for old in (folder / "results").glob("run_id=*"):
        target = folder / "runs" / old.name.removeprefix("run_id=") / "predictions"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            old.rename(target)
