"""`make up`: local AWS and Airflow's UI until Ctrl-C or `make down`; their data is kept for the next start."""

from __future__ import annotations

import contextlib
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from complaints.settings import PipelineSettings, load_settings
from laptop.sample import write_sample
from laptop.servers.airflow import ROOT, Airflow
from laptop.servers.aws_credentials import aws_credentials_file
from laptop.servers.aws_jobs import AwsJobs
from laptop.servers.credentials import USER, Credentials
from laptop.servers.inbox import STILL_SECONDS, Inbox, existing_folder
from laptop.servers.leftovers import stop_marked
from laptop.servers.processes import check_port
from laptop.servers.report_pages import report_pages
from laptop.servers.stack import CLASSIFICATION, TRAINING, Data, Stack, airflow_stack
from laptop.servers.state import BUILD, Running, State, airflow_version
from laptop.servers.stopping import stopping_everything
from laptop.terminal import Progress, write
from laptop.verbs.finished_runs import FinishedRuns
from laptop.verbs.run_reports import RunReports
from laptop.verbs.status import model_in_service

ARRIVALS = "complaints_arrivals"
HOW_TO_STOP = "Ctrl-C, or make down in another shell, stops both."


def up(port: int, inbox: Path | None = None, build: Path = BUILD, still_seconds: float = STILL_SECONDS) -> None:
    """Starts both servers, prints their addresses, uploads what arrives in `inbox`, and stops on a signal.

    A file of the inbox is uploaded once it has not changed for `still_seconds`.

    Raises:
        InputError: the inbox does not exist.
        ServerError: the port or the state folder is in use, the folder is not ours, or a server did not start.
    """
    progress = Progress(_write)
    state = State(build)
    inbox = existing_folder(inbox) if inbox else None
    state.prepare(airflow_version(ROOT / ".venvs" / "airflow"))
    with state.held(), stopping_everything(build):
        if left := stop_marked(build):
            progress.report(f"stopped {left} processes left by an earlier make up")
        check_port(port)
        ours = state.begin(port)
        settings = load_settings().pipeline
        with _started(state, ours, settings, progress) as stack:
            progress.report("ready")
            _write(_addresses(state, stack, settings, inbox))
            state.is_ready(ours)
            try:
                with report_pages(state.runs, state.folder / "reports.secret", ours.reports_port) as reports:
                    _watch(state, stack, settings, inbox, still_seconds, progress, reports)
            except KeyboardInterrupt:
                _write("\nstopping Airflow and local AWS (takes some seconds) ...")


def login(credentials: Credentials, *, show_password: bool) -> str:
    """The line about logging in to Airflow: with the password on a terminal, with its file's name in a log."""
    password = credentials.password if show_password else f"in {credentials.password_file}"
    return f"user {USER}, password {password}"


@contextmanager
def _started(state: State, ours: Running, settings: PipelineSettings, progress: Progress) -> Iterator[Stack[Airflow]]:
    """Both servers; the first start also uploads the sample. The schedule of `complaints_arrivals` is on."""
    sample = None if state.has_sample else write_sample(state.folder / "synthetic-sample")
    history, raw = (sample.training, sample.classify) if sample else ((), ())
    progress.report("starting local AWS and Airflow" + ("" if sample else f", with the data kept in {state.folder}"))
    dag_ids = (TRAINING, CLASSIFICATION, ARRIVALS)
    with airflow_stack(
        state.folder,
        settings,
        lambda: Data(history, raw),
        port=ours.port,
        aws_port=ours.aws_port,
        keep=True,
        dag_ids=dag_ids,
    ) as stack:
        state.sample_is_there()
        # On MWAA a person unpauses it, and so decides when files may start runs.
        stack.orchestrator.unpause(ARRIVALS)
        yield stack


def _watch(
    state: State,
    stack: Stack[Airflow],
    settings: PipelineSettings,
    folder: Path | None,
    still_seconds: float,
    progress: Progress,
    reports: str,
) -> None:
    """Checks the inbox and the runs about once a second, until a signal; `reports` is the address of their reports.

    Raises:
        ServerError: Airflow or local AWS died.
    """
    s3, bucket = stack.aws.client("s3"), settings.storage.bucket
    airflow, jobs = stack.orchestrator, AwsJobs(stack.aws, settings)
    made = RunReports(airflow, jobs, s3, bucket, state.folder, reports)
    watched: list[Inbox | FinishedRuns] = [FinishedRuns(airflow, made)]
    if folder:
        watched.append(Inbox(folder, s3, bucket, settings.storage.raw, state.folder / "inbox.json", still_seconds))
    while True:
        stack.orchestrator.check()
        stack.aws.server.check()
        for each in watched:
            for message in each.news():
                progress.report(message)
        time.sleep(1)


def _addresses(state: State, stack: Stack[Airflow], settings: PipelineSettings, inbox: Path | None) -> str:
    """The addresses, folders and next steps that are printed once everything is ready."""
    bucket, airflow = settings.storage.bucket, stack.orchestrator
    drop = f"copy a .csv, .csv.gz or .zip file into {inbox}" if inbox else "none; set one with make up INBOX=folder"
    model = model_in_service(stack.aws.client("s3"), bucket)
    return f"""
  Airflow    {airflow.address}   {login(airflow.credentials, show_password=sys.stdout.isatty())}
  AWS        {stack.aws.endpoint}   access key {stack.aws.credentials.access_key_id}; for any AWS client:
             export AWS_ENDPOINT_URL={stack.aws.endpoint} AWS_DEFAULT_REGION={stack.aws.region}
             export AWS_SHARED_CREDENTIALS_FILE={shlex.quote(str(aws_credentials_file(state.aws).absolute()))}
  bucket     s3://{bucket}, with a synthetic sample under history/ and raw/batches/laptop/
  model      {model}
  inbox      {drop}
  logs       {airflow.server.log}
             {state.aws / "localaws.log"}   (make logs follows both)
  data       {state.folder}   (kept for the next start; make reset removes it)

  {HOW_TO_STOP}
"""


def _write(text: str) -> None:
    # A terminal that was closed must not keep the servers from being stopped.
    with contextlib.suppress(OSError):
        write(text)
