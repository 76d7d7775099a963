"""The Python tasks of the example: functions that Lambda could import. The tests call none of them."""

from __future__ import annotations

from typing import Any


def plan_report(place: str, days: int, title: str) -> dict[str, Any]:
    """Names everything that the report will write."""
    raise NotImplementedError


def read_stations(plan: dict[str, Any], layers: list[str]) -> list[str]:
    """The stations that measured something."""
    raise NotImplementedError


def read_radar(area: str) -> dict[str, Any]:
    """What the radar saw."""
    raise NotImplementedError


def correct_radar(radar: dict[str, Any], echo: float, plan: dict[str, Any]) -> str:
    """Takes the echoes of hills out."""
    raise NotImplementedError


def count_lightning(radar: dict[str, Any]) -> int:
    """How many flashes there were."""
    raise NotImplementedError


def join_radar(corrected: str, lightning: int) -> dict[str, Any]:
    """What is known of the sky."""
    raise NotImplementedError


def choose_model(sky: dict[str, Any], stations: list[str], place: str) -> str:
    """The model that suits the weather."""
    raise NotImplementedError


def write_report(request: dict[str, Any], sources: list[str], style: str = "plain") -> str:
    """Writes the report, and says where it is."""
    raise NotImplementedError


def tell(report: str) -> None:
    """Tells those who asked for it."""
    raise NotImplementedError


def which_way(report: str) -> str:
    """The next task's id."""
    raise NotImplementedError


class Station:
    """Holds a function that is not at the top of its module."""

    @staticmethod
    def measure() -> int:
        """What the station measures."""
        raise NotImplementedError


def anything(*args: Any, **kwargs: Any) -> None:
    """Takes whatever it is given."""
    raise NotImplementedError


def dated(plan: str, ds: str | None = None) -> None:
    """Wants Airflow's date."""
    raise NotImplementedError


def is_stormy(place: str) -> bool:
    """Whether it is worth going on."""
    return bool(place)


def warn(context: Any) -> None:
    """Tells somebody that a task failed."""
    raise NotImplementedError


def warn_loudly(context: Any) -> None:
    """Tells everybody."""
    raise NotImplementedError
