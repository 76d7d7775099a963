"""The health checks of healthy, unhealthy and absent servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from laptop.servers.processes import free_port
from laptop.servers.state import State
from laptop.verbs.health import main, problem
from laptop.verbs.status import UNHEALTHY, status

HEALTH = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "unhealthy"},
    "triggerer": {"status": None},
}


class Airflow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path in ("", "/", "/api/v2/monitor/health")
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps(HEALTH).encode())

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Airflow) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_that_answers_and_a_healthy_component_are_healthy(address: str) -> None:
    assert problem(address) == ""
    assert main([address, "metadatabase"]) == 0


@pytest.mark.parametrize(
    ("component", "message"),
    [("scheduler", "scheduler is unhealthy"), ("triggerer", "triggerer is None"), ("celery", "KeyError: 'celery'")],
)
def test_other_components_are_named_with_their_problem(address: str, component: str, message: str) -> None:
    assert message in problem(address, component)
    assert main([address, component]) == 1


def test_status_fails_and_names_the_components_of_a_running_make_up_that_are_not_healthy(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = State(tmp_path / "up")
    state.prepare("3.2.1")
    with state.held():
        running = state.begin(int(address.rpartition(":")[2]))
        state.is_ready(running)
        assert status(state) == UNHEALTHY
    printed = capsys.readouterr().out
    assert "not healthy: Airflow: the scheduler is unhealthy, the triggerer is absent, the dag_processor is" in printed
    assert f"not healthy: AWS: {running.endpoint}/_localaws/health: URLError" in printed


def test_a_server_that_is_not_there_is_not_healthy() -> None:
    assert "Connection refused" in problem(f"http://127.0.0.1:{free_port()}")
