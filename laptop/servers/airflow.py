"""Airflow as MWAA runs it, on one machine: scheduler, DAG processor, triggerer and API server, SQLite below.

`airflow.env` is where this Airflow is set up, and says of every setting why it is so and what MWAA has instead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from laptop.servers.airflow_api import AirflowApi
from laptop.servers.configuration import shared_configuration
from laptop.servers.credentials import credentials
from laptop.servers.processes import Server, ServerError, free_port

ROOT = Path(__file__).parents[2]
_START_SECONDS = 240


class Airflow(AirflowApi):
    """`airflow standalone` with its state in `home`, asked through its REST API as MWAA's users ask theirs."""

    name = "airflow"

    def __init__(
        self, home: Path, environment: Mapping[str, str], port: int | None = None, dags: Path = ROOT / "dags"
    ) -> None:
        self.home = home
        self._dags = dags
        # They belong to the database beside them: what the one has encrypted the other cannot read.
        self.credentials = credentials(home / "secrets")
        super().__init__(f"http://127.0.0.1:{port or free_port()}", self.credentials.password)
        self._started = datetime.now(UTC)
        binaries = ROOT / ".venvs" / "airflow" / "bin"
        self.server = Server(
            "Airflow",
            [str(binaries / "airflow"), "standalone"],
            self._environment(environment, binaries),
            home / "standalone.log",
        )

    def _environment(self, environment: Mapping[str, str], binaries: Path) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "AWS_")) and name != "PYTHONPATH"
        }
        ours = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self._dags),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            # Nobody but this machine can reach it.
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": self.address.rpartition(":")[2],
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            # Airflow's processes name themselves, which would overwrite the environment that they are found by.
            "SPT_NOENV": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        return {**inherited, **shared_configuration(), **self.credentials.settings, **ours, **environment}

    def wait_until_ready(self, dag_ids: Sequence[str]) -> None:
        """Returns when every component is healthy and the DAGs can be triggered.

        Raises:
            ServerError: Airflow ended, a DAG file does not import, or it took more than four minutes.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.server.check()
            if self.is_healthy() and self._knows(dag_ids):
                return
            time.sleep(0.5)
        raise ServerError(f"Airflow was not ready after {_START_SECONDS} s; its log is {self.server.log}")

    def _knows(self, dag_ids: Sequence[str]) -> bool:
        # A kept database also has what was wrong before this start.
        errors = [each for each in self.import_errors() if datetime.fromisoformat(each["timestamp"]) > self._started]
        if errors:
            raise ServerError(f"{errors[0]['filename']} does not import:\n{errors[0]['stack_trace']}")
        return self.dag_ids().issuperset(dag_ids)

    def check(self) -> None:
        """Raises ServerError if Airflow has died."""
        self.server.check()
