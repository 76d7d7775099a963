"""Airflow as MWAA runs it, on one machine: scheduler, DAG processor, triggerer and API server, SQLite below.

`airflow.env` is where this Airflow is set up, and says of every setting why it is so and what MWAA has instead.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from laptop.configuration import shared_configuration
from laptop.credentials import USER, credentials
from laptop.processes import Server, ServerError, free_port

ROOT = Path(__file__).parent.parent
_START_SECONDS = 240


class Airflow:
    """`airflow standalone` with its state in `home`, asked through its REST API as MWAA's users ask theirs."""

    name = "airflow"

    def __init__(
        self, home: Path, environment: Mapping[str, str], port: int | None = None, dags: Path = ROOT / "dags"
    ) -> None:
        self.home = home
        self._dags = dags
        # They belong to the database beside them: what the one has encrypted the other cannot read.
        self.credentials = credentials(home / "secrets")
        self.address = f"http://127.0.0.1:{port or free_port()}"
        self._token = ""
        # A person's proxy must not stand between us and our own server.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
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
            if self._is_healthy() and self._knows(dag_ids):
                return
            time.sleep(0.5)
        raise ServerError(f"Airflow was not ready after {_START_SECONDS} s; its log is {self.server.log}")

    def _is_healthy(self) -> bool:
        try:
            health = self._call("GET", "/api/v2/monitor/health", authorized=False)
            components = ("metadatabase", "scheduler", "triggerer", "dag_processor")
            if not all(health[name]["status"] == "healthy" for name in components):
                return False
            self._token = self._token or self._log_in()
        except (OSError, ServerError):
            return False  # not up yet; the deadline is the caller's
        return True

    def _log_in(self) -> str:
        body = {"username": USER, "password": self.credentials.password}
        token: str = self._call("POST", "/auth/token", body, authorized=False)["access_token"]
        return token

    def _knows(self, dag_ids: Sequence[str]) -> bool:
        errors = self._call("GET", "/api/v2/importErrors")["import_errors"]
        if errors:
            raise ServerError(f"{errors[0]['filename']} does not import:\n{errors[0]['stack_trace']}")
        known = {dag["dag_id"] for dag in self._call("GET", "/api/v2/dags")["dags"]}
        return known.issuperset(dag_ids)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Starts a run with `conf`; returns its run id."""
        body = {"logical_date": None, "conf": dict(conf)}
        run_id: str = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"]
        return run_id

    def check(self) -> None:
        """Raises ServerError if Airflow has died."""
        self.server.check()

    def state(self, dag_id: str, run_id: str) -> str:
        """The run's state."""
        state: str = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]
        return state

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The run's task instances: `task_id`, `state`, `start_date`, `end_date`, `try_number`, and more."""
        answer = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        found: list[dict[str, Any]] = answer["task_instances"]
        return found

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[str]:
        """The lines of one attempt's log."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        content = self._call("GET", f"{path}?full_content=true")["content"]
        return [_log_line(line) for line in content]

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, authorized: bool = True
    ) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if authorized:
            headers["Authorization"] = f"Bearer {self._token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=30) as answer:
                decoded: dict[str, Any] = json.load(answer)
                return decoded
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")[:2000]
            raise ServerError(f"Airflow answered {error.code} to {method} {path}: {detail}") from error


def _log_line(line: Any) -> str:
    if not isinstance(line, dict):
        return str(line)
    error = "".join(f" {each.get('exc_type')}: {each.get('exc_value')}" for each in line.get("error_detail") or [])
    return f"{line.get('event', '')}{error}"
