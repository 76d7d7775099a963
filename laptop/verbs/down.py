"""`make down` and `make reset`: stop what runs with a state folder, from any shell, and remove the folder."""

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
from laptop.terminal import printable, write

# Airflow gets 15 s, local AWS gets 15 s, and then the remaining processes 10 s.
_TIMEOUT_SECONDS = 60


def down(state: State) -> None:
    """Stops `make up` and every process of the state folder; returns when none is left.

    Raises:
        ServerError: a process survived SIGKILL.
    """
    running = state.holder()
    if running:
        write(f"stopping make up (pid {running.pid}) ...")
        _signal(running, signal.SIGTERM)
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        # It releases the folder a moment before it ends.
        while _is_running(state, running) and time.monotonic() < deadline:
            time.sleep(0.1)
        if _is_running(state, running):
            _signal(running, signal.SIGKILL)
    left = stop_marked(state.folder)
    if still := marked(state.folder):
        raise ServerError(f"these processes cannot be stopped: {', '.join(map(str, still))}")
    if running:
        write("stopped")
    else:
        write(f"stopped {left} processes left by an earlier make up" if left else "make up is not running")


def _is_running(state: State, running: Running) -> bool:
    return state.holder() is not None or (running.pid > 0 and is_alive(running.pid))


def _signal(running: Running, number: signal.Signals) -> None:
    # The pid is 0 until the process has written its own, and kill(0) would signal ourselves.
    with contextlib.suppress(ProcessLookupError):
        if running.pid:
            os.kill(running.pid, number)


def reset(state: State, *, is_confirmed: bool) -> None:
    """Removes the state folder, after asking unless `is_confirmed`.

    Raises:
        ServerError: the folder is in use, or there is no terminal to ask at.
    """
    if running := state.holder():
        raise ServerError(f"make up is using {state.folder} (pid {running.pid}); run make down first")
    if not state.folder.exists():
        write(f"there is no {state.folder}")
        return
    what = f"{state.folder}: everything in S3, the models, Airflow's history and the password"
    if not is_confirmed:
        if not sys.stdin.isatty():
            raise ServerError(f"no terminal to ask whether to remove {what}; make reset YES=1 does not ask")
        if input(printable(f"remove {what}? [y/N] ")).strip().lower() not in ("y", "yes"):
            write("nothing was removed")
            return
    stop_marked(state.folder)
    shutil.rmtree(state.folder)
    write(f"removed {state.folder}")
