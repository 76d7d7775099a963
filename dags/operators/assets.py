"""The assets of the flows: what a task has published, as an event that starts other DAGs.

The URI of an asset is the prefix of the objects that are published. A state machine is started by S3's events of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk import Asset, get_current_context

from complaints.settings import Storage
from operators.params import RunParam

P = ParamSpec("P")
R = TypeVar("R")


def raw(storage: Storage) -> Asset:
    """The complaints to classify, as they arrive."""
    return _asset("complaints_raw", storage, storage.raw, "files of complaints to classify")


def history(storage: Storage) -> Asset:
    """The labelled complaints that a model is trained on."""
    return _asset("complaints_history", storage, storage.history, "files of labelled complaints")


def results(storage: Storage) -> Asset:
    """The published classifications: one event for each manifest, with its `run_id`."""
    holds = "a manifest for each published classification, which names its files of results"
    return _asset("complaints_results", storage, "manifests/run_id=", holds)


def model(storage: Storage) -> Asset:
    """The model in service: one event for each promotion, with the `version`."""
    return _asset("complaints_model", storage, "models/latest", "the version in service, and the one before")


def monitored(storage: Storage) -> Asset:
    """The decisions of monitoring: one event for each, with the `run_id` of the classification and the `action`."""
    return _asset(
        "complaints_monitoring", storage, "monitoring/run_id=", "figures and a decision for each classification"
    )


def _asset(name: str, storage: Storage, prefix: str, holds: str) -> Asset:
    return Asset(name=name, uri=f"s3://{storage.bucket}/{prefix}", group="complaints", extra={"holds": holds})


def emits(asset: Asset, metadata: Callable[..., Mapping[str, Any]], function: Callable[P, R]) -> Callable[P, R]:
    """`function` for a task with the outlet `asset`; its event gets `metadata` of what was returned and passed."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        returned = function(*args, **kwargs)
        get_current_context()["outlet_events"][asset].extra = dict(metadata(returned, *args, **kwargs))
        return returned

    return call


class EmittedParam(RunParam):
    """A DAG parameter that the event of an asset sets where the run was started by one.

    Airflow makes one run of events that come at the same time, or while a run is active. This is the newest one's
    value; the others are logged.
    """

    def resolve(self, context: Any) -> Any:
        """The parameter, if the run was given one; else the member of the same name of the newest event."""
        given = super().resolve(context)
        emitted = [each.extra[self._name] for each in _oldest_first(context) if each.extra.get(self._name)]
        if given or not emitted:
            return given
        newest = emitted[-1]
        for value in dict.fromkeys(each for each in emitted if each != newest):
            context["ti"].log.warning("left out: start this DAG with %s=%s", self._name, value)
        return newest


def _oldest_first(context: Any) -> list[Any]:
    """The events that started the run."""
    events = (context.get("triggering_asset_events") or {}).values()
    return sorted((event for each in events for event in each), key=lambda event: event.timestamp)
