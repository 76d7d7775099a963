"""Airflow as MWAA runs it, on one machine: scheduler, DAG processor, triggerer and API server, SQLite below.

Its settings are in `airflow.env`, each with its reason and with the value that MWAA has instead.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from complaints.settings.loading import ENVIRONMENT
from laptop.servers import airflow_components
from laptop.servers.airflow_api import AirflowApi
from laptop.servers.configuration import shared_configuration
from laptop.servers.credentials import credentials
from laptop.servers.processes import Server, ServerError, free_port
from laptop.shell import WITHOUT_AWS_FILES, WITHOUT_PROXIES

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"
# It ends a start that hangs; a component that dies is noticed at once.
_START_SECONDS = 600
_EVENT_SECONDS = 180


def deploy_dags(folder: Path, settings: Mapping[str, Any], dag_ids: Collection[str] = ()) -> Path:
    """Copies the DAGs, or those of `dag_ids`, to `folder`, with an `environment.yaml` of these settings; returns it."""
    others = [file.name for file in DAGS.glob("*.py") if dag_ids and file.stem not in dag_ids]
    shutil.copytree(DAGS, folder, ignore=shutil.ignore_patterns("__pycache__", *others), dirs_exist_ok=True)
    # JSON is YAML, too.
    (folder / "complaints" / "config" / ENVIRONMENT).write_text(json.dumps(settings), encoding="utf-8")
    return folder


class Airflow(AirflowApi):
    """Airflow's components with their state in `home`, asked through the REST API as MWAA's users ask theirs."""

    name = "airflow"

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str],
        port: int | None = None,
        dags: Path = DAGS,
        *,
        serve_logs: bool = True,
        venv: str = "airflow",
    ) -> None:
        """`serve_logs`: the UI can show the log of a task while it runs; Airflow 3.0 cannot. `venv` holds Airflow."""
        self.home = home
        self._dags = dags
        # They belong to the database in the same folder, which holds values that they encrypted.
        self.credentials = credentials(home / "secrets")
        super().__init__(f"http://127.0.0.1:{port or free_port()}", self.credentials.password)
        self._started = datetime.now(UTC)
        log_server_port = free_port()
        binaries = ROOT / ".venvs" / venv / "bin"
        self.server = Server(
            "Airflow",
            # -P: the folder of the script must not hide modules of the standard library.
            [
                *(str(binaries / "python"), "-P", airflow_components.__file__, "--binaries", str(binaries)),
                *(("--log-server-port", str(log_server_port)) if serve_logs else ()),
            ],
            self._environment(environment, binaries, log_server_port),
            home / "airflow.log",
        )

    def _environment(self, environment: Mapping[str, str], binaries: Path, log_server_port: int) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "AWS_")) and name != "PYTHONPATH"
        }
        ours = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self._dags),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            # Reachable from this machine only.
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": self.address.rpartition(":")[2],
            # Where links in alerts lead.
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            # Where the API server asks for the logs of running tasks: the host is the one that a task was run on, and
            # the log server listens on loopback only. This function of the standard library returns 127.0.0.1.
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "urllib.request.localhost",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(log_server_port),
            # Airflow 3.2 reads the port of triggerers under another name than it documents.
            "AIRFLOW__LOGGING__TRIGGERER_LOG_SERVER_PORT": str(log_server_port),
            "PYTHONPATH": str(ROOT / "laptop" / "airflow_home"),
            # Airflow's processes set their title, which would overwrite the environment that `leftovers` reads.
            "SPT_NOENV": "1",
            **WITHOUT_PROXIES,
            **WITHOUT_AWS_FILES,
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        return {**inherited, **shared_configuration(), **self.credentials.settings, **ours, **environment}

    def wait_until_ready(self, dag_ids: Sequence[str]) -> None:
        """Waits until every component is healthy and the DAGs can be triggered.

        Raises:
            ServerError: Airflow ended, a DAG file has an import error, or it took more than ten minutes.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.server.check()
            if self.serves_tasks() and self.is_healthy() and self._knows(dag_ids):
                return
            time.sleep(0.2)
        raise ServerError(f"Airflow was not ready after {_START_SECONDS} s; see its log: {self.server.log}")

    def _knows(self, dag_ids: Sequence[str]) -> bool:
        # A kept database also holds the errors of earlier starts.
        errors = [each for each in self.import_errors() if datetime.fromisoformat(each["timestamp"]) > self._started]
        if errors:
            raise ServerError(f"{errors[0]['filename']} has an import error:\n{errors[0]['stack_trace']}")
        return self.dag_ids().issuperset(dag_ids)

    def started(self, dag_id: str) -> str:
        """The run that the event of an asset has started.

        Raises:
            ServerError: Airflow died, or there is none within three minutes.
        """
        deadline = time.monotonic() + _EVENT_SECONDS
        while time.monotonic() < deadline:
            self.check()
            if found := self.run_ids(dag_id):
                return found[0]
            time.sleep(0.5)
        raise ServerError(f"no event started {dag_id} within {_EVENT_SECONDS} s; see Airflow's log: {self.server.log}")

    def log_place(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """The file of the attempt's log, where Airflow's default settings put it."""
        folder = self.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        return str(folder / f"attempt={attempt}.log")

    def check(self) -> None:
        """Raises ServerError if Airflow has died."""
        self.server.check()
