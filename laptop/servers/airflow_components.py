"""Airflow's components as one process group: migrates the database, then runs each component and starts it again.

Run as a script in place of `airflow standalone`, whose scheduler and triggerer each serve task logs on every network
interface (https://github.com/apache/airflow/blob/3.2.1/airflow-core/src/airflow/utils/serve_logs/core.py has no setting
for the host). Here they start no log server, and one that listens on loopback serves both.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import FrameType

# A component that starts more often than this within the period does not come up at all.
_MOST_STARTS, _PERIOD_SECONDS = 4, 300.0
_STOP_SECONDS = 12.0


class Component:
    """One command, started again when it ends; each line of its output is printed behind its name."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._command = command
        self._starts: list[float] = []
        self._start()

    def keep_running(self) -> bool:
        """Starts the command again if it has ended; returns False once it has ended too often."""
        code = self.process.poll()
        if code is None:
            return True
        self._print(f"ended with exit code {code}")
        if len([start for start in self._starts if time.monotonic() - start < _PERIOD_SECONDS]) >= _MOST_STARTS:
            return False
        self._print("starting again")
        self._start()
        return True

    def _start(self) -> None:
        self._starts.append(time.monotonic())
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        Thread(target=self._copy_output, args=(self.process,), daemon=True).start()

    def _copy_output(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        for line in process.stdout:
            self._print(line.decode(errors="replace").rstrip())

    def _print(self, line: str) -> None:
        print(f"{self.name:<13} | {line}", flush=True)


def commands(binaries: Path, log_server_port: int | None) -> dict[str, list[str]]:
    """The command of each component, with the executables of the virtual environment's `bin` folder."""
    airflow = str(binaries / "airflow")
    components = {
        "scheduler": [airflow, "scheduler", "--skip-serve-logs"],
        "dag-processor": [airflow, "dag-processor"],
        "api-server": [airflow, "api-server"],
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
    try:
        if subprocess.run([str(binaries / "airflow"), "db", "migrate"], check=False).returncode:
            return 1
        for name, command in commands(binaries, log_server_port).items():
            components.append(Component(name, command))
        while all(component.keep_running() for component in components):
            time.sleep(0.5)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(components)


def _stop(components: Sequence[Component]) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    for component in components:
        component.process.terminate()
    for component in components:
        try:
            component.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            component.process.kill()


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
