"""Who asks, and what they may see and do: Airflow's own user and permissions, in each route.

An application that a plugin mounts is not behind Airflow's authentication by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, HTTPException, Request

from complaints.pages.frame import Frame
from complaints.pages.words import LANGUAGES, Words, preferred

CLASSIFICATION, TRAINING, PROMOTION = "complaints_classification", "complaints_training", "complaints_promotion"
MONITORING = "complaints_monitoring"
FLOWS = (CLASSIFICATION, TRAINING, PROMOTION, MONITORING, "complaints_arrivals", "complaints_ingestion")
_COOKIE = "complaints_language"


def viewer_of(dag_id: str) -> Callable[..., Frame]:
    """The dependency of a route that shows what a DAG has left: its user must be permitted to view that DAG."""

    def permitted(request: Request, user: Annotated[Any, Depends(get_user)]) -> Frame:
        request.state.frame = found = frame_of(request, user)
        check_viewer(dag_id, user)
        return found

    return permitted


def check_viewer(dag_id: str, user: Any) -> None:
    """Raises 403 unless the user may view the DAG."""
    if not get_auth_manager().is_authorized_dag(method="GET", details=DagDetails(id=dag_id), user=user):
        raise HTTPException(403, f"{user.get_name()} may not view {dag_id}")


def may_trigger(dag_id: str, user: Any) -> bool:
    """True if the user may trigger the DAG."""
    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
    )


def frame_of(request: Request, user: Any) -> Frame:
    """The frame of a page for this user, in the language that was chosen or that the browser prefers."""
    root = str(request.scope.get("root_path", ""))
    chosen = request.cookies.get(_COOKIE, "")
    language = chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))
    may = frozenset(dag_id for dag_id in (PROMOTION,) if user and may_trigger(dag_id, user))
    name = user.get_name() if user else ""
    return Frame(root=root, airflow=root.rpartition("/")[0], user=name, say=Words(language), may=may)
