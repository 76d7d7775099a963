"""For an Airflow on SQLite, as `make run` and `make up` have it: its API server writes for one request at a time.

Airflow notes who asked for what (`action_logging`) with a write that blocks the server's event loop, while another
request, which already holds SQLite's one write lock, needs that loop to commit. Both then stand still for the five
seconds of SQLite's timeout, and one of them ends with 500, "database is locked": a person's click on *Trigger*, as it
happens, while a task reports its state. Requests that only read are not held up.

Elsewhere, as on MWAA, whose PostgreSQL locks rows, nothing is registered.
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
    """ASGI middleware: a request that may write begins when the one before it has ended, its commit included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is no request, or only reads; has all others wait for their turn."""
        if scope["type"] != "http" or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        async with self._turn:
            await self._app(scope, receive, send)


def middlewares(connection: str) -> list[dict[str, Any]]:
    """What to register for a metadata database at `connection`, a SQLAlchemy URL."""
    if not connection.startswith("sqlite"):
        return []
    return [{"name": "one write at a time", "middleware": OneWriteAtATime}]


class SqliteWrites(AirflowPlugin):
    """What Airflow finds here."""

    name = "sqlite_writes"
    fastapi_root_middlewares = middlewares(conf.get("database", "sql_alchemy_conn", fallback=""))
