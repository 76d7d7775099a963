"""Unpausing a DAG while Airflow is still parsing; tests/compose does it with a real Airflow."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from laptop.servers.airflow_api import AirflowApi
from laptop.servers.processes import ServerError
from laptop.verbs.unpause import unpause


class _SlowAirflow(BaseHTTPRequestHandler):
    """Has its one DAG from the second request on."""

    requests = 0
    changed: list[tuple[str, object]]

    def do_POST(self) -> None:
        self._answer({"access_token": "t"})

    def do_GET(self) -> None:
        if self.path == "/api/v2/importErrors":
            return self._answer({"import_errors": [{"filename": "broken.py"}]})
        type(self).requests += 1
        return self._answer({"dags": [{"dag_id": "late"}] if self.requests > 1 else []})

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.changed.append((self.path, body))
        self._answer({})

    def _answer(self, body: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def airflow() -> Iterator[AirflowApi]:
    _SlowAirflow.requests, _SlowAirflow.changed = 0, []
    with ThreadingHTTPServer(("127.0.0.1", 0), _SlowAirflow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield AirflowApi(f"http://127.0.0.1:{server.server_port}", "password")
        server.shutdown()


def test_a_dag_that_is_not_parsed_yet_is_waited_for(airflow: AirflowApi) -> None:
    unpause(airflow, "late")
    assert _SlowAirflow.changed == [("/api/v2/dags/late", {"is_paused": False})]


def test_a_dag_that_is_never_parsed_is_reported_with_the_import_errors(airflow: AirflowApi) -> None:
    with pytest.raises(ServerError, match=r"no DAG missing, only .*; files with import errors: \['broken.py'\]"):
        unpause(airflow, "missing", timeout=0)
    assert not _SlowAirflow.changed
