"""An Airflow plugin for SQLite, as used by `make run` and `make up`: the API server handles one write at a time.

Airflow's audit log (`action_logging`) writes to the database in the server's event loop. If another request holds
SQLite's only write lock at that moment, it needs the same loop to commit. Both then wait for the five seconds of
SQLite's timeout, and one fails with status 500, "database is locked": for example a click on *Trigger* while a task
reports its state. Requests that only read do not wait.

With other databases, such as MWAA's PostgreSQL, which locks rows, the plugin registers nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_READS = {"GET", "HEAD", "OPTIONS"}


class OneWriteAtATime:
    """ASGI middleware: a request that can write starts after the previous one has ended, including its commit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles reads at once, as well as anything but HTTP; other requests wait for their turn."""
        if scope["type"] != "http" or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        async with self._turn:
            await self._app(scope, receive, send)


def middlewares(connection: str) -> list[dict[str, Any]]:
    """The middlewares to register for the metadata database at `connection`, a SQLAlchemy URL."""
    if not connection.startswith("sqlite"):
        return []
    return [{"name": "one write at a time", "middleware": OneWriteAtATime}]


class SqliteWrites(AirflowPlugin):
    """The plugin that Airflow loads."""

    name = "sqlite_writes"
    fastapi_root_middlewares = middlewares(conf.get("database", "sql_alchemy_conn", fallback=""))
