"""`make up`: local AWS and Airflow for a person, until Ctrl-C."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from complaints.settings import load_settings
from laptop import inputs
from laptop.credentials import USER, credentials
from laptop.processes import check_port
from laptop.stack import running
from laptop.watch import Progress

BUILD = Path("build") / "up"


def up(port: int, build: Path = BUILD) -> None:
    """Starts everything with the synthetic sample in place, says where it is, and waits.

    Raises:
        ServerError: the port is in use, or a server did not start.
    """
    check_port(port)
    progress = Progress(lambda line: print(line, flush=True))
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    history, raw, _ = inputs.sample_or((), (), build / "synthetic-sample")
    settings = load_settings().pipeline
    progress.say("starting local AWS and Airflow")
    with running(build, settings, history, raw, port) as stack:
        progress.say("ready")
        password = credentials(build / "airflow" / "secrets").password
        print(
            f"""
  Airflow    {stack.orchestrator.address}   (user {USER}, password {password})
  AWS        {stack.aws.endpoint}   (export AWS_ENDPOINT_URL={stack.aws.endpoint}; any credentials do)
  bucket     s3://{settings.storage.bucket}, with the synthetic sample under history/ and raw/

  Trigger complaints_training first, then complaints_classification. Ctrl-C ends both servers; nothing is kept.
""",
            flush=True,
        )
        threading.Event().wait()
