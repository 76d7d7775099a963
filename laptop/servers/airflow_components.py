"""Airflow's components as one process group: migrates the database, then runs each component and starts it again.

Run as a script by the Python of Airflow's environment, in place of `airflow standalone`, whose scheduler and triggerer
each serve task logs on every network interface
(https://github.com/apache/airflow/blob/3.2.1/airflow-core/src/airflow/utils/serve_logs/core.py has no setting for the
host). Here they start no log server, and one that listens on loopback serves both.

Components are forks of this process, which imports what they need: five interpreters would each import Airflow. They
begin when the database has been migrated. Meanwhile the API server imports its own modules, which takes longest.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import multiprocessing
import os
import runpy
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType
from typing import Any

# A component that starts more often than this within the period does not come up at all.
_MOST_STARTS, _PERIOD_SECONDS = 4, 300.0
# How long the components have to end by a signal to the whole group, and then by one from here.
_GROUP_SECONDS, _STOP_SECONDS = 3.0, 9.0
_READ_BYTES = 65536
_CONTEXT = multiprocessing.get_context("fork")
_MAIN_PROCESS = multiprocessing.current_process().name

_NEEDED_BY_ALL = ("airflow.__main__", "airflow.cli.commands.db_command")
_NEEDED_BY_COMPONENTS = (
    "airflow.jobs.scheduler_job_runner",
    "airflow.jobs.triggerer_job_runner",
    "airflow.dag_processing.manager",
    "airflow.executors.local_executor",
)
_API_SERVER = "api-server"
_NEEDED_BY_API_SERVER = (
    "airflow.api_fastapi.core_api.routes.public",
    "airflow.api_fastapi.core_api.routes.ui",
    "airflow.api_fastapi.execution_api.routes",
)


class Output:
    """What the components write, each line printed behind its component's name.

    No threads: a component that is started again is a fork, too.
    """

    def __init__(self) -> None:
        self._pipes = selectors.DefaultSelector()
        self._unfinished: dict[int, bytes] = {}

    def add(self, name: str, pipe: int) -> None:
        """Reads the pipe until all of its writers have ended."""
        self._pipes.register(pipe, selectors.EVENT_READ, name)
        self._unfinished[pipe] = b""

    def copy(self, seconds: float) -> None:
        """Waits so long for output, and prints what came."""
        if not self._unfinished:
            time.sleep(seconds)
        for key, _ in self._pipes.select(seconds):
            read = os.read(key.fd, _READ_BYTES)
            *lines, rest = (self._unfinished.pop(key.fd) + read).split(b"\n")
            if read:
                self._unfinished[key.fd] = rest
            else:
                self._pipes.unregister(key.fd)
                os.close(key.fd)
                lines = [rest] if rest else []
            for line in lines:
                self.print(key.data, line.decode(errors="replace").rstrip())

    def print(self, name: str, line: str) -> None:
        """Prints a line of or about a component."""
        print(f"{name:<13} | {line}", flush=True)


class Component:
    """One command, started again when it ends; it begins once `may_begin` is set."""

    def __init__(self, name: str, command: Sequence[str], output: Output, may_begin: Event) -> None:
        self.name = name
        self._command = command
        self._output = output
        self._may_begin = may_begin
        self._starts: list[float] = []
        self._start()

    def keep_running(self) -> bool:
        """Starts the command again if it has ended; returns False once it has ended too often."""
        code = self.process.exitcode
        if code is None:
            return True
        self._output.print(self.name, f"ended with exit code {code}")
        if len([start for start in self._starts if time.monotonic() - start < _PERIOD_SECONDS]) >= _MOST_STARTS:
            return False
        self._output.print(self.name, "starting again")
        self._start()
        return True

    def _start(self) -> None:
        self._starts.append(time.monotonic())
        read, written = os.pipe()
        self.process = _fork(self._run, written)
        os.close(written)
        self._output.add(self.name, read)

    def _run(self, output: int) -> None:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        if self.name == _API_SERVER:
            _import(_NEEDED_BY_API_SERVER)
        self._may_begin.wait()
        _run_script(self._command)


def commands(binaries: Path, log_server_port: int | None) -> dict[str, list[str]]:
    """The command of each component, with the executables of the virtual environment's `bin` folder."""
    airflow = str(binaries / "airflow")
    components = {
        _API_SERVER: [airflow, "api-server"],
        "scheduler": [airflow, "scheduler", "--skip-serve-logs"],
        "dag-processor": [airflow, "dag-processor"],
        "triggerer": [airflow, "triggerer", "--skip-serve-logs"],
    }
    if log_server_port is not None:
        components["log-server"] = [
            *(str(binaries / "uvicorn"), "--factory", "airflow.utils.serve_logs.log_server:get_app"),
            *("--no-access-log", "--host", "127.0.0.1", "--port", str(log_server_port)),
        ]
    return components


def run(binaries: Path, log_server_port: int | None) -> int:
    """Runs until a signal (returns 0), or until the migration fails or a component ends too often (returns 1)."""
    components: list[Component] = []
    output = Output()
    is_signalled = False
    # What is imported stays: there is nothing to collect.
    gc.disable()
    try:
        _import(_NEEDED_BY_ALL)
        is_migrated = _CONTEXT.Event()
        migration = _fork(_run_script, [str(binaries / "airflow"), "db", "migrate"])
        for name, command in commands(binaries, log_server_port).items():
            components.append(Component(name, command, output, is_migrated))
            if name == _API_SERVER:
                _import(_NEEDED_BY_COMPONENTS)
        migration.join()
        if migration.exitcode:
            return 1
        is_migrated.set()
        # Without it, this process looks through all that it imported before it ends, which takes a second.
        gc.freeze()
        gc.enable()
        while all(component.keep_running() for component in components):
            output.copy(0.5)
        return 1
    except KeyboardInterrupt:
        is_signalled = True
        return 0
    finally:
        if is_signalled:
            # By a second signal, the scheduler would leave its workers behind.
            _await_ends(components, output, _GROUP_SECONDS)
        _stop(components, output)


def _import(names: Sequence[str]) -> None:
    for name in names:
        # Another version may have moved one: the component that needs it will say so.
        with suppress(ImportError):
            importlib.import_module(name)


def _fork(target: Callable[[Any], None], argument: Any) -> ForkProcess:
    """Calls the function in a fork of this process."""
    # By its name, Airflow's scheduler knows that it is no worker of its own: the workers ignore SIGTERM.
    process = _CONTEXT.Process(target=_call, args=(target, argument), name=_MAIN_PROCESS)
    process.start()
    return process


def _call(target: Callable[[Any], None], argument: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    target(argument)


def _run_script(command: Sequence[str]) -> None:
    # A collection would copy the memory that the forks share.
    gc.freeze()
    gc.enable()
    _show_as(" ".join(command))
    sys.argv[:] = command
    runpy.run_path(command[0], run_name="__main__")


def _show_as(title: str) -> None:
    """Names this process for ps; not on macOS, where Airflow does not either."""
    with suppress(ImportError):
        if sys.platform != "darwin":
            importlib.import_module("setproctitle").setproctitle(title)


def _stop(components: Sequence[Component], output: Output) -> None:
    for component in components:
        component.process.terminate()
    _await_ends(components, output, _STOP_SECONDS)
    for component in components:
        component.process.kill()
        component.process.join()
    output.copy(0)


def _await_ends(components: Sequence[Component], output: Output, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    # Nobody else reads their output: a full pipe would keep them from ending.
    while any(component.process.is_alive() for component in components) and time.monotonic() < deadline:
        output.copy(0.05)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # The whole group gets the signal, from more than one side: the first is enough.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """Runs the components of the Airflow whose executables are in `--binaries`."""
    parser = argparse.ArgumentParser(prog="airflow_components", description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True, help="the `bin` folder of Airflow's environment")
    parser.add_argument(
        "--log-server-port", type=int, help="loopback port that serves the logs of running tasks (default: none)"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    return run(options.binaries, options.log_server_port)


if __name__ == "__main__":
    sys.exit(main())
