"""One write at a time through the API server of an Airflow on SQLite, and nothing of it elsewhere."""

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

ROOT = Path(__file__).parents[2]
# As the API server begins, in a process of its own: Airflow reads its configuration when it is imported.
APP = """
from airflow.api_fastapi.app import create_app
print("middleware:", *(each.cls.__name__ for each in create_app().user_middleware))
"""


def test_an_api_server_on_sqlite_has_it(tmp_path: Path) -> None:
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
        timeout=120,
        check=False,
    )
    assert re.search("^middleware: .*OneWriteAtATime", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_nothing_is_registered_on_postgresql() -> None:
    assert middlewares("postgresql+psycopg2://airflow@localhost/airflow") == []


@pytest.fixture
def most_at_once() -> Any:
    """How many of five requests of a method were under way at the same time, at most."""

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
def test_what_may_write_waits_for_its_turn(most_at_once: Any, method: str) -> None:
    assert most_at_once(method) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_reads_does_not_wait(most_at_once: Any, method: str) -> None:
    assert most_at_once(method) == 5


def test_a_request_that_fails_gives_its_turn_away() -> None:
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


def test_what_is_no_request_passes() -> None:
    seen = []

    async def app(scope: Any, *_: object) -> None:
        seen.append(scope["type"])

    asyncio.run(OneWriteAtATime(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
