"""A client for Airflow's REST API that logs in with user name and password."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from laptop.servers.credentials import USER
from laptop.servers.orchestrator import ENDED, Raised
from laptop.servers.processes import ServerError

# What Airflow logs with the exception of a task, in all supported versions.
_TASK_FAILED = "Task failed with exception"
_RUN_STATES = ("queued", "running", "success", "failed")
_COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class AirflowApi:
    """The Airflow at `address`, used as its one user with `password`."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self._password = password
        self._token = ""
        # The user's proxy must not be asked for a server on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def is_healthy(self) -> bool:
        """True if every component reports that it is healthy; False also if the server does not answer."""
        return not self.problem()

    def problem(self) -> str:
        """The components that are not healthy, or why the server does not answer; empty if all is well."""
        try:
            health = self.call("GET", "/api/v2/monitor/health", authorized=False)
        except (OSError, ServerError) as error:
            return f"the API server does not answer: {error}"
        found = {name: health.get(name, {}).get("status") for name in _COMPONENTS}
        return ", ".join(f"the {name} is {each or 'absent'}" for name, each in found.items() if each != "healthy")

    def serves_tasks(self) -> bool:
        """True if the API of the tasks answers. Its first answer takes 2 s, which the first task would wait for."""
        try:
            return bool(self.call("GET", "/execution/health", authorized=False))
        except (OSError, ServerError):
            return False

    def import_errors(self) -> list[dict[str, Any]]:
        """The DAG files with import errors: `filename`, `stack_trace` and `timestamp`."""
        found: list[dict[str, Any]] = self.call("GET", "/api/v2/importErrors")["import_errors"]
        return found

    def dag_ids(self) -> set[str]:
        """The ids of the DAGs that can be triggered."""
        return {dag["dag_id"] for dag in self.call("GET", "/api/v2/dags")["dags"]}

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Starts a run with `conf`; returns its run id."""
        body = {"logical_date": None, "conf": dict(conf)}
        run_id: str = self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"]
        return run_id

    def unpause(self, dag_id: str) -> None:
        """Unpauses a DAG, which starts its schedule."""
        self.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def note(self, dag_id: str, run_id: str, text: str) -> None:
        """Puts a note of at most 1,000 characters, in Markdown, on the page of a run."""
        self.call("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id)}", {"note": text})

    def ended_runs(self, since: str) -> list[dict[str, Any]]:
        """The newest 50 runs, of any DAG, that ended since a time in ISO 8601; oldest first."""
        query = urllib.parse.urlencode({"end_date_gte": since, "order_by": "-end_date", "limit": 50})
        found: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/~/dagRuns?{query}")["dag_runs"]
        return [run for run in reversed(found) if run["state"] in ENDED]

    def run_ids(self, dag_id: str) -> list[str]:
        """The ids of the newest runs of a DAG, newest first."""
        found = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns?order_by=-run_after&limit=50")["dag_runs"]
        return [str(run["dag_run_id"]) for run in found]

    def counts(self, dag_id: str) -> dict[str, int]:
        """The number of a DAG's runs by state, without the states that no run is in."""
        path = f"/api/v2/dags/{dag_id}/dagRuns?limit=1&state="
        found = {state: self.call("GET", f"{path}{state}")["total_entries"] for state in _RUN_STATES}
        return {state: count for state, count in found.items() if count}

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        """The value that a task pushed to XCom under `key`."""
        run = f"/api/v2/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id)}"
        return self.call("GET", f"{run}/taskInstances/{task_id}/xcomEntries/{key}")["value"]

    def state(self, dag_id: str, run_id: str) -> str:
        """The run's state."""
        state: str = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]
        return state

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The run's task instances: `task_id`, `state`, `start_date`, `end_date`, `try_number`, and more."""
        answer = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        found: list[dict[str, Any]] = answer["task_instances"]
        return found

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[str]:
        """The lines of one attempt's log."""
        return [_log_line(line) for line in self._log(dag_id, run_id, task_id, attempt)]

    def raised(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> Raised | None:
        """The exception that ended the attempt, from its log."""
        if not task_id:
            return None
        for line in reversed(self._log(dag_id, run_id, task_id, attempt)):
            if isinstance(line, dict) and line.get("event") == _TASK_FAILED and line.get("error_detail"):
                # Exceptions that it was raised from follow.
                last = line["error_detail"][0]
                return Raised(str(last.get("exc_type")), str(last.get("exc_value")))
        return None

    def _log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[Any]:
        task = f"/api/v2/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id)}/taskInstances/{task_id}"
        found: list[Any] = self.call("GET", f"{task}/logs/{attempt}?full_content=true")["content"]
        return found

    def _log_in(self) -> str:
        body = {"username": USER, "password": self._password}
        token: str = self.call("POST", "/auth/token", body, authorized=False)["access_token"]
        return token

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, authorized: bool = True
    ) -> dict[str, Any]:
        """The answer of the REST API to a request.

        Raises:
            ServerError: Airflow refused the request; the message holds its answer.
        """
        try:
            try:
                return self._ask(method, path, body, authorized)
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.UNAUTHORIZED or not authorized:
                    raise
                # A token is valid for a day, and Airflow may run for longer.
                self._token = ""
                return self._ask(method, path, body, authorized)
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")[:2000]
            raise ServerError(f"Airflow answered {error.code} to {method} {path}: {detail}") from error
        except OSError as error:
            raise ServerError(f"Airflow did not answer {method} {path}: {error}") from error

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, authorized: bool) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if authorized:
            self._token = self._token or self._log_in()
            headers["Authorization"] = f"Bearer {self._token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        # On a busy machine Airflow needs many seconds for an answer.
        with self._opener.open(request, timeout=120) as answer:
            decoded: dict[str, Any] = json.load(answer)
            return decoded


def _log_line(line: Any) -> str:
    if not isinstance(line, dict):
        return str(line)
    error = "".join(f" {each.get('exc_type')}: {each.get('exc_value')}" for each in line.get("error_detail") or [])
    return f"{line.get('event', '')}{error}"
