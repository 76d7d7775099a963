"""Switching a DAG on where Airflow is still reading its files; tests/compose sees it in a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from laptop.servers.airflow_api import AirflowApi
from laptop.servers.processes import ServerError
from laptop.verbs.unpause import switch_on


class _SlowAirflow(BaseHTTPRequestHandler):
    """Knows its one DAG at the second look."""

    looks = 0
    changed: list[tuple[str, object]]

    def do_POST(self) -> None:
        self._answer({"access_token": "t"})

    def do_GET(self) -> None:
        if self.path == "/api/v2/importErrors":
            return self._answer({"import_errors": [{"filename": "broken.py"}]})
        type(self).looks += 1
        return self._answer({"dags": [{"dag_id": "late"}] if self.looks > 1 else []})

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.changed.append((self.path, body))
        self._answer({})

    def _answer(self, body: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def airflow() -> Iterator[AirflowApi]:
    _SlowAirflow.looks, _SlowAirflow.changed = 0, []
    with ThreadingHTTPServer(("127.0.0.1", 0), _SlowAirflow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield AirflowApi(f"http://127.0.0.1:{server.server_port}", "password")
        server.shutdown()


def test_a_dag_that_is_not_known_yet_is_waited_for(airflow: AirflowApi) -> None:
    switch_on(airflow, "late")
    assert _SlowAirflow.changed == [("/api/v2/dags/late", {"is_paused": False})]


def test_a_dag_that_never_comes_is_told_with_what_does_not_import(airflow: AirflowApi) -> None:
    with pytest.raises(ServerError, match=r"no missing; files that do not import: \['broken.py'\]"):
        switch_on(airflow, "missing", patience=0)
    assert not _SlowAirflow.changed
