"""The Python tasks of the example: functions that Lambda could import. The tests call none of them."""

from __future__ import annotations

from typing import Any


def plan_report(place: str, days: int, title: str) -> dict[str, Any]:
    """Chooses the names of everything that the report writes."""
    raise NotImplementedError


def read_stations(plan: dict[str, Any], layers: list[str]) -> list[str]:
    """The stations with measurements."""
    raise NotImplementedError


def read_radar(area: str) -> dict[str, Any]:
    """The radar image."""
    raise NotImplementedError


def correct_radar(radar: dict[str, Any], echo: float, plan: dict[str, Any]) -> str:
    """Removes the echoes of hills."""
    raise NotImplementedError


def count_lightning(radar: dict[str, Any]) -> int:
    """The number of flashes."""
    raise NotImplementedError


def join_radar(corrected: str, lightning: int) -> dict[str, Any]:
    """Radar and lightning together."""
    raise NotImplementedError


def choose_model(sky: dict[str, Any], stations: list[str], place: str) -> str:
    """The model that suits the weather."""
    raise NotImplementedError


def write_report(request: dict[str, Any], sources: list[str], style: str = "plain") -> str:
    """Writes the report; returns its URI."""
    raise NotImplementedError


def tell(report: str) -> None:
    """Sends the report to its subscribers."""
    raise NotImplementedError


def which_way(report: str) -> str:
    """The next task's id."""
    raise NotImplementedError


class Station:
    """Holds a function that is not at the top of its module."""

    @staticmethod
    def measure() -> int:
        """The measurement of the station."""
        raise NotImplementedError


def anything(*args: Any, **kwargs: Any) -> None:
    """Takes any arguments."""
    raise NotImplementedError


def dated(plan: str, ds: str | None = None) -> None:
    """Takes the date from Airflow's context."""
    raise NotImplementedError


def is_stormy(place: str) -> bool:
    """True if there is something to report."""
    return bool(place)


def warn(context: Any) -> None:
    """A failure callback."""
    raise NotImplementedError


def warn_loudly(context: Any) -> None:
    """Another failure callback."""
    raise NotImplementedError
