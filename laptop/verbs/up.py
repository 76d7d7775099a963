"""`make up`: local AWS and Airflow's UI for a person, until Ctrl-C or `make down`; what they hold is kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from complaints.settings import PipelineSettings, load_settings
from laptop import inputs
from laptop.servers.airflow import ROOT, Airflow
from laptop.servers.credentials import USER
from laptop.servers.flow_runs import Progress
from laptop.servers.inbox import Inbox, check_folder
from laptop.servers.leftovers import stop_marked
from laptop.servers.processes import check_port
from laptop.servers.stack import CLASSIFICATION, TRAINING, Stack, running
from laptop.servers.state import BUILD, Running, State, airflow_version
from laptop.servers.stopping import leaving_nothing
from laptop.verbs.finished_runs import Outcomes
from laptop.verbs.status import model_in_service

ARRIVALS = "complaints_arrivals"


def up(port: int, inbox: Path | None = None, build: Path = BUILD) -> None:
    """Starts everything, says where it is, and passes on what lands in `inbox`, until it is told to stop.

    Raises:
        InputError: there is no such inbox.
        ServerError: the port or the state folder is in use, the folder is not ours, or a server did not start.
    """
    progress = Progress(_say)
    state = State(build)
    if inbox:
        check_folder(inbox)
    state.prepare(airflow_version(ROOT / ".venvs" / "airflow"))
    with state.held(), leaving_nothing(build):
        if left := stop_marked(build):
            progress.say(f"stopped {left} processes that an earlier start had left behind")
        check_port(port)
        ours = state.begin(port)
        settings = load_settings().pipeline
        with _started(state, ours, settings, progress) as stack:
            progress.say("ready")
            _say(_told(state, stack, settings, inbox))
            state.is_ready(ours)
            try:
                _stay(state, stack, settings, inbox, progress)
            except KeyboardInterrupt:
                _say("\nstopping Airflow and local AWS (some seconds) ...")


@contextmanager
def _started(state: State, ours: Running, settings: PipelineSettings, progress: Progress) -> Iterator[Stack[Airflow]]:
    """Both servers, the sample uploaded at the first start, and the schedule of what arrives begun."""
    first = not state.has_sample
    history, raw, _ = inputs.sample_or((), (), state.folder / "synthetic-sample") if first else ((), (), False)
    progress.say("starting local AWS and Airflow" + ("" if first else f", with what {state.folder} has kept"))
    ports, dag_ids = {"port": ours.port, "aws_port": ours.aws_port}, (TRAINING, CLASSIFICATION, ARRIVALS)
    with running(state.folder, settings, history, raw, **ports, keep=True, dag_ids=dag_ids) as stack:
        state.sample_is_there()
        # On MWAA a person decides when files may start runs; here it is what `make up` is for.
        stack.orchestrator.unpause(ARRIVALS)
        yield stack


def _stay(
    state: State, stack: Stack[Airflow], settings: PipelineSettings, folder: Path | None, progress: Progress
) -> None:
    """Looks into the inbox and at the runs about once a second, for ever.

    Raises:
        ServerError: Airflow or local AWS died.
    """
    s3, bucket = stack.aws.client("s3"), settings.storage.bucket
    looks: list[Inbox | Outcomes] = [Outcomes(stack.orchestrator, s3, bucket, state.folder / "results")]
    if folder:
        looks.append(Inbox(folder, s3, bucket, settings.storage.raw, state.folder / "inbox.json"))
    while True:
        stack.orchestrator.check()
        stack.aws.server.check()
        for look in looks:
            _tell(look.look(), progress)
        time.sleep(1)


def _tell(lines: Iterable[str], progress: Progress) -> None:
    for line in lines:
        progress.say(line)


def _told(state: State, stack: Stack[Airflow], settings: PipelineSettings, inbox: Path | None) -> str:
    """What a person needs to know, where Airflow is first."""
    bucket, airflow = settings.storage.bucket, stack.orchestrator
    dropped = f"copy a .csv, .csv.gz or .zip into {inbox}" if inbox else "none (make up INBOX=folder)"
    model = model_in_service(stack.aws.client("s3"), bucket)
    return f"""
  Airflow    {airflow.address}   user {USER}, password {airflow.credentials.password}
  AWS        {stack.aws.endpoint}   (export AWS_ENDPOINT_URL={stack.aws.endpoint}; any credentials do)
  bucket     s3://{bucket}, with a synthetic sample under history/ and raw/batches/laptop/
  model      {model}
  inbox      {dropped}
  logs       {airflow.server.log}
             {state.aws / "localaws.log"}   (make logs follows both)
  kept in    {state.folder}   (make reset forgets it)

  Ctrl-C, or make down in another shell, stops both.
"""


def _say(text: str) -> None:
    # A terminal that is gone must not keep us from stopping what has to be stopped.
    with contextlib.suppress(OSError):
        print(text, flush=True)
