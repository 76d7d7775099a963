"""`make down` and `make reset`: stops what runs with a state folder, from whatever shell, and forgets the folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time

from laptop.servers.leftovers import is_alive, marked, stop_marked
from laptop.servers.processes import ServerError
from laptop.servers.state import Running, State

# Airflow gets 15 s and local AWS 15 s, and then whatever is left 10 s more.
_PATIENCE_SECONDS = 60


def down(state: State) -> None:
    """Returns when nothing runs any more; says what it stopped.

    Raises:
        ServerError: something of it outlived even SIGKILL.
    """
    running = state.holder()
    if running:
        print(f"stopping make up (pid {running.pid}) ...", flush=True)
        _tell(running, signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        # It gives the folder back a moment before it ends.
        while _is_there(state, running) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _is_there(state, running):
            _tell(running, signal.SIGKILL)
    left = stop_marked(state.folder)
    if still := marked(state.folder):
        raise ServerError(f"these processes do not end: {', '.join(map(str, still))}")
    if running:
        print("stopped")
    else:
        print(f"stopped {left} processes that an earlier start had left behind" if left else "nothing runs")


def _is_there(state: State, running: Running) -> bool:
    return state.holder() is not None or (running.pid > 0 and is_alive(running.pid))


def _tell(running: Running, number: signal.Signals) -> None:
    # 0, where it has not yet said who it is, would be ourselves.
    with contextlib.suppress(ProcessLookupError):
        if running.pid:
            os.kill(running.pid, number)


def reset(state: State, is_sure: bool) -> None:
    """Removes the state folder, if a person is sure.

    Raises:
        ServerError: it is in use, or nobody can be asked.
    """
    if running := state.holder():
        raise ServerError(f"make up runs with {state.folder} (pid {running.pid}): make down first")
    if not state.folder.exists():
        print(f"there is no {state.folder}")
        return
    what = f"{state.folder}: all that is in S3, the models, Airflow's history, the password"
    if not is_sure:
        if not sys.stdin.isatty():
            raise ServerError(f"nobody can be asked whether to remove {what}; make reset YES=1 does it")
        if input(f"remove {what}? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was removed")
            return
    stop_marked(state.folder)
    shutil.rmtree(state.folder)
    print(f"removed {state.folder}")
