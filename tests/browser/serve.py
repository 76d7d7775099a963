"""Airflow and local AWS for the tests in a browser: one line of JSON says where, then it waits.

The browser has an environment of its own; this runs where the jobs do: `python -m tests.browser.serve FOLDER`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from pathlib import Path

from complaints.settings import load_settings
from laptop.sample import write_sample
from laptop.servers.credentials import USER
from laptop.servers.stack import airflow_stack


def main(build: Path) -> None:
    """Says where Airflow is and who may come in, once both flows can be triggered."""
    sample = write_sample(build / "synthetic-sample")
    with airflow_stack(build, load_settings().pipeline, sample.training, sample.classify) as stack:
        airflow = stack.orchestrator
        told = {"address": airflow.address, "user": USER, "password": airflow.credentials.password}
        print(json.dumps(told), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
