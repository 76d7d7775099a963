"""An Airflow plugin: runs, models and monitoring of the complaints as pages of Airflow's UI, below `/complaints`.

Airflow loads plugins in each of its processes, on MWAA also at the start of every task. So this module imports nothing
that is not loaded already, and builds the application in the API server, at the first request for a page.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow import __version__
from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

PREFIX = "/complaints"
_NAME = "Complaints"
_UNAVAILABLE = b"The pages of the complaints cannot be loaded; the log of Airflow's API server has the reason."


class LazyPages:
    """ASGI application: the pages, built at the first request. A failure is an answer, and never reaches Airflow."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request for a page."""
        if scope["type"] != "http":
            return
        try:
            app: Any = self._app or await asyncio.to_thread(self._build)
        except Exception:
            log.exception("The pages of the complaints cannot be loaded")
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": _UNAVAILABLE})
            return
        await app(scope, receive, send)

    def _build(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                for folder in (Path(__file__).parent, domain_folder()):
                    if str(folder) not in sys.path:
                        sys.path.insert(0, str(folder))
                self._app = importlib.import_module("complaints_ui.routes").application()
            return self._app


def domain_folder() -> Path:
    """The folder of the package `complaints`: of plugins.zip, whose API server has no DAGs, or of the DAGs."""
    packed = Path(__file__).parent / "complaints_ui" / "domain"
    return packed if packed.is_dir() else Path(conf.get("core", "dags_folder"))


def views() -> list[dict[str, Any]]:
    """The entries in Airflow's navigation, and on the pages of a run and of a task."""
    entry = _entry()
    run = {"name": _NAME, "href": f"{entry['href']}airflow/{{DAG_ID}}/{{RUN_ID}}"}
    return [
        {**entry, "destination": "nav", "category": "browse", "url_route": "complaints"},
        {**run, "destination": "dag_run", "url_route": "complaints-run"},
        {**run, "destination": "task_instance", "url_route": "complaints-task"},
    ]


def menu_of_airflow_3_0(app: ASGIApp) -> ASGIApp:
    """Adds the entry to the menu that Airflow 3.0 has in the place of views; returns the application as it is.

    Its UI shows menu items of plugins. But where there is one when the API server starts, Airflow believes that the
    plugin is one of Airflow 2, and ends without the FAB provider. Starlette calls this later, with the first request.
    """
    ComplaintsPages.appbuilder_menu_items = [_entry()]
    return app


def _entry() -> dict[str, Any]:
    root = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    return {"name": _NAME, "href": f"{root}{PREFIX}/"}


_IS_3_0 = __version__.startswith("3.0.")
_Link: Any = importlib.import_module("airflow.sdk.bases.operatorlink").BaseOperatorLink if _IS_3_0 else object


class RunLink(_Link):  # type: ignore[misc]
    """The link on the page of a task, since Airflow 3.0 has no views there: to the page of its run."""

    name = _NAME

    def get_link(self, operator: object, *, ti_key: Any) -> str:  # noqa: ARG002
        """The address of the page; empty for DAGs that are not of the complaints."""
        if not ti_key.dag_id.startswith("complaints_"):
            return ""
        return f"{_entry()['href']}airflow/{ti_key.dag_id}/{quote(ti_key.run_id, safe='')}"


_MENU: list[Any] = [{"name": _NAME, "middleware": menu_of_airflow_3_0}] if _IS_3_0 else []


class ComplaintsPages(AirflowPlugin):
    """The plugin that Airflow loads."""

    name = "complaints_pages"
    fastapi_apps = [{"app": LazyPages(), "url_prefix": PREFIX, "name": _NAME}]  # noqa: RUF012
    external_views = [] if _IS_3_0 else views()
    fastapi_root_middlewares = _MENU
    global_operator_extra_links = [RunLink()] if _IS_3_0 else []
