"""`make up DETACH=1`: the same in the background; returns when it is ready, and says what it said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from laptop.servers.airflow import ROOT
from laptop.servers.processes import ServerError
from laptop.servers.state import State, airflow_version


def detached(state: State, arguments: Sequence[str]) -> None:
    """Starts `python -m laptop up` with `arguments` in a session of its own; its lines are in `up.log`.

    Raises:
        ServerError: it ended before it was ready; the message is its own.
    """
    state.prepare(airflow_version(ROOT / ".venvs" / "airflow"))
    log = state.folder / "up.log"
    # A second one must not empty the log of the first.
    state.check_free()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "laptop", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not ((running := state.holder()) and running.pid == process.pid and running.ready):
            if process.poll() is not None:
                raise ServerError(log.read_text(encoding="utf-8", errors="replace").strip())
            time.sleep(0.2)
    except BaseException:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
            process.wait()
        raise
    print(
        log.read_text(encoding="utf-8").replace(
            "Ctrl-C, or make down in another shell, stops both.", "make down stops both."
        )
    )
