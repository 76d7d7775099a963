"""The routes of the pages. They only read: what changes something goes through Airflow's own API, as the user."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal

from airflow.api_fastapi.core_api.security import get_user
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from complaints.models.registry import ModelVersion
from complaints.pages import airflow_run, models, monitoring, overview, results, runs
from complaints.pages.documents import Documents, environment_documents
from complaints.pages.frame import Frame, headers, message, sign_in
from complaints.settings import SettingsError, load_settings

from .access import CLASSIFICATION, FLOWS, MONITORING, TRAINING, check_viewer, frame_of, viewer_of
from .airflow_runs import origins, run_of

log = logging.getLogger(__name__)
_MOST_PAGES = 1_000_000
RunId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
_A_VERSION = r"^v[1-9][0-9]{0,8}$"
OneVersion = Annotated[str, Query(pattern=_A_VERSION)]
PathVersion = Annotated[str, Path(pattern=_A_VERSION)]


@cache
def documents() -> Documents:
    """The documents of the environment's bucket, shared by all requests."""
    return environment_documents(load_settings())


def application() -> FastAPI:
    """The application with all routes."""
    app = FastAPI(
        title="Complaints", docs_url=None, redoc_url=None, openapi_url=None, default_response_class=HTMLResponse
    )
    app.middleware("http")(_guarded)
    for error, handler in _HANDLERS.items():
        app.exception_handler(error)(handler)
    for path, route in _ROUTES.items():
        app.get(path)(route)
    return app


def _overview(frame: Annotated[Frame, Depends(viewer_of(CLASSIFICATION))]) -> str:
    return overview.render(overview.read(documents()), frame, origins())


def _runs(
    frame: Annotated[Frame, Depends(viewer_of(CLASSIFICATION))],
    flow: Literal["", "classification", "training"] = "",
    orchestrator: Literal["", "airflow", "elsewhere"] = "",
    since: date | Literal[""] = "",
    until: date | Literal[""] = "",
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1,
) -> str:
    wanted, known = runs.Filter(flow, orchestrator, since or None, until or None, page), origins()
    return runs.render(runs.read(documents(), wanted, known), wanted, frame, known)


def _results(frame: Annotated[Frame, Depends(viewer_of(CLASSIFICATION))], run_id: RunId) -> HTMLResponse:
    found = results.read(documents(), run_id)
    if found is None:
        return HTMLResponse(results.nothing_published(run_id, frame), 404)
    return HTMLResponse(results.render(found, frame, origins().get(run_id)))


def _models(frame: Annotated[Frame, Depends(viewer_of(TRAINING))]) -> str:
    return models.render(models.read(documents()), frame)


def _model(
    frame: Annotated[Frame, Depends(viewer_of(TRAINING))], version: Annotated[str, Path(pattern=_A_VERSION)]
) -> str:
    bucket, record = documents().bucket, _record(version)
    card = bucket.read_text(f"{ModelVersion.named(version).prefix}card.md")
    return models.render_version(record, card or "", models.read(documents()).in_service, frame)


def _compare(frame: Annotated[Frame, Depends(viewer_of(TRAINING))], left: OneVersion, right: OneVersion) -> str:
    return models.render_comparison(_record(left), _record(right), frame)


def _monitoring(frame: Annotated[Frame, Depends(viewer_of(MONITORING))]) -> str:
    return monitoring.render(monitoring.read(documents()), frame)


def _airflow_run(
    request: Request, user: Annotated[Any, Depends(get_user)], dag_id: str, dag_run_id: str
) -> HTMLResponse:
    request.state.frame = frame = frame_of(request, user)
    check_viewer(dag_id, user)
    run = run_of(dag_id, dag_run_id) if dag_id in FLOWS else None
    if run is None:
        told = frame.say("This page is about runs of the complaints: {flows}.", flows=", ".join(FLOWS))
        return HTMLResponse(message(frame, frame.say("Not found"), told), 404)
    return HTMLResponse(airflow_run.render(run, *airflow_run.read(documents(), run), frame))


def _record(version: str) -> models.Record:
    found = models.record_of(documents(), version)
    if found is None:
        raise HTTPException(404, f"{version}: there is no such version")
    return found


_ROUTES: dict[str, Callable[..., Any]] = {
    "/": _overview,
    "/runs": _runs,
    "/runs/{run_id}": _results,
    "/models": _models,
    "/models/{version}": _model,
    "/compare": _compare,
    "/monitoring": _monitoring,
    "/airflow/{dag_id}/{dag_run_id:path}": _airflow_run,
}


async def _guarded(request: Request, answer: Callable[[Request], Awaitable[Any]]) -> Any:
    found = await answer(request)
    found.headers.update(headers())
    return found


def _frame(request: Request) -> Frame:
    found: Frame = getattr(request.state, "frame", None) or frame_of(request, None)
    return found


def _refused(request: Request, error: Exception) -> HTMLResponse:
    """401, with the document that asks again with the UI's token; anything else with its sentence."""
    status = error.status_code if isinstance(error, AnyHTTPException) else 500
    frame = _frame(request)
    if status == 401:
        return HTMLResponse(sign_in(frame.airflow), status)
    sentence = error.detail if isinstance(error, AnyHTTPException) else ""
    titles = {403: frame.say("Not permitted"), 404: frame.say("Not found")}
    return HTMLResponse(message(frame, titles.get(status, frame.say("This page cannot be shown")), sentence), status)


def _wrong_input(request: Request, error: Exception) -> HTMLResponse:
    frame = _frame(request)
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    sentences = [f"{each['loc'][-1]}: {str(each['input'])[:100]!r}: {each['msg']}" for each in problems]
    return HTMLResponse(message(frame, frame.say("This address is not valid"), *sentences), 422)


def _unreadable(request: Request, error: Exception) -> HTMLResponse:
    log.warning("The bucket cannot be read: %s", error)
    frame, name = _frame(request), load_settings().pipeline.storage.bucket
    sentence = frame.say("The bucket {name} cannot be read: {reason}", name=name, reason=str(error)[:300])
    rights = frame.say("Airflow's API server needs s3:ListBucket and s3:GetObject on it.")
    return HTMLResponse(message(frame, frame.say("This page cannot be shown"), sentence, rights), 503)


def _broken(request: Request, error: Exception) -> HTMLResponse:
    frame = _frame(request)
    reason = str(error) if isinstance(error, SettingsError) else frame.say("The log of Airflow's API server says why.")
    return HTMLResponse(message(frame, frame.say("This page cannot be shown"), reason), 500, headers())


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], HTMLResponse]] = {
    AnyHTTPException: _refused,
    HTTPException: _refused,
    RequestValidationError: _wrong_input,
    ClientError: _unreadable,
    BotoCoreError: _unreadable,
    SettingsError: _broken,
    Exception: _broken,
}
