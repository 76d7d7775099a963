"""The API server of an Airflow on SQLite handles one write at a time; on PostgreSQL nothing changes."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugins.sqlite_writes import OneWriteAtATime, middlewares
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
# The start of the API server, in a new process: Airflow reads its configuration at import.
APP = """
from airflow.api_fastapi.app import create_app
print("middleware:", *(each.cls.__name__ for each in create_app().user_middleware))
"""


def test_the_api_server_on_sqlite_has_the_middleware(tmp_path: Path) -> None:
    settings = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
    }
    done = subprocess.run(
        [sys.executable, "-c", APP],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert re.search("^middleware: .*OneWriteAtATime", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_nothing_is_registered_on_postgresql() -> None:
    assert middlewares("postgresql+psycopg2://airflow@localhost/airflow") == []


@pytest.fixture
def most_at_once() -> Any:
    """The largest number of requests that ran at the same time, out of five with one method."""

    async def ask(method: str) -> int:
        now, most = 0, 0

        async def app(*_: object) -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1

        served = OneWriteAtATime(app)
        scope = {"type": "http", "method": method}
        await asyncio.gather(*(served(scope, None, None) for _ in range(5)))  # type: ignore[arg-type]
        return most

    return lambda method: asyncio.run(ask(method))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_requests_that_can_write_wait_for_their_turn(most_at_once: Any, method: str) -> None:
    assert most_at_once(method) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_requests_that_read_do_not_wait(most_at_once: Any, method: str) -> None:
    assert most_at_once(method) == 5


def test_a_failed_request_does_not_block_the_next() -> None:
    asked = 0

    async def app(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise ConnectionResetError

    async def twice() -> None:
        served = OneWriteAtATime(app)
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(served({"type": "http", "method": "POST"}, None, None), 5)  # type: ignore[arg-type]

    asyncio.run(twice())
    assert asked == 2


def test_other_asgi_events_pass_through() -> None:
    seen = []

    async def app(scope: Any, *_: object) -> None:
        seen.append(scope["type"])

    asyncio.run(OneWriteAtATime(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
