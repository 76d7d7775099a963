"""`make up DETACH=1`: `make up` in the background. Returns once it is ready, and prints what it printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from laptop.servers.airflow import ROOT
from laptop.servers.credentials import credentials
from laptop.servers.processes import ServerError, private_log
from laptop.servers.state import State, airflow_version
from laptop.terminal import write
from laptop.verbs.up import HOW_TO_STOP, login


def up_detached(state: State, arguments: Sequence[str]) -> None:
    """Starts `python -m laptop up` with `arguments` in a session of its own, with its output in `up.log`.

    Raises:
        ServerError: it ended before it was ready; the message is its output.
    """
    state.prepare(airflow_version(ROOT / ".venvs" / "airflow"))
    log = state.folder / "up.log"
    # Before the log is opened: a second start must not empty the log of the first.
    state.check_free()
    with private_log(log) as output:
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
    found = credentials(state.airflow / "secrets")
    text = log.read_text(encoding="utf-8").replace(HOW_TO_STOP, "make down stops both.")
    # The log names the file of the password; the password itself goes to a terminal only.
    write(text.replace(login(found, show_password=False), login(found, show_password=sys.stdout.isatty())))
