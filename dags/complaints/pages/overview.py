"""The first page: what is in service since when, how good it is, and the last runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from complaints.models import registry
from complaints.pages import models, monitoring, runs
from complaints.pages.documents import Documents
from complaints.pages.frame import Frame, document
from complaints.pages.markup import Markup, section, tag
from complaints.pages.window import Monitored, action_named

_LAST_RUNS = 8
_FOR_A_PERSON = ("stop", "person")


@dataclass(frozen=True)
class Overview:
    """The pointer and the record of the version in service, None where there is none, and the newest runs."""

    pointer: Mapping[str, Any] | None
    record: Mapping[str, Any] | None
    last: runs.Runs
    windows: Sequence[Monitored]
    problem: str = ""
    """Why the pointer cannot be read; empty if it can."""


def read(documents: Documents) -> Overview:
    """What the page shows."""
    last = runs.read(documents, runs.Filter())
    last = runs.Runs(last.shown[:_LAST_RUNS], last.total)
    windows = monitoring.read(documents)
    try:
        pointer, _ = registry.pointer(documents.bucket)
    except registry.NoModelError as error:
        return Overview(None, None, last, windows, str(error))
    record = documents.at(f"{registry.VERSIONED}{pointer['version']}/model.json") if pointer else None
    return Overview(pointer, record, last, windows)


def render(found: Overview, frame: Frame, origins: runs.Origins | None = None) -> str:
    """The page."""
    say = frame.say
    if not found.last.total and not found.pointer and not found.problem:
        start = frame.airflow_link("dags/complaints_training", "complaints_training")
        nothing = say("Nothing has run yet. Train a model first, then classify complaints with it.")
        return document(frame, say("Overview"), tag("p", nothing, class_="lead"), tag("p", start))
    last = runs.latest(found.last, frame, origins) if found.last.total else None
    return document(
        frame,
        say("Overview"),
        models.waiting(frame),
        _asks_a_person(found, frame),
        _in_service(found, frame),
        monitoring.over_time(found.windows, frame),
        last,
    )


def _asks_a_person(found: Overview, frame: Frame) -> Markup | None:
    """The decision about the newest window, if a person is to act on it."""
    say = frame.say
    newest = found.windows[0] if found.windows else None
    decision = (newest.decision or {}) if newest else {}
    if not newest or decision.get("action") not in _FOR_A_PERSON:
        return None
    action = tag("strong", action_named(decision["action"], say), ".")
    reasons = "; ".join(decision.get("reasons") or [])
    link = frame.link("monitoring", say("Monitoring"))
    return tag("p", say("Monitoring asks for a person."), " ", action, " ", reasons, ". ", link, class_="banner alarm")


def _in_service(found: Overview, frame: Frame) -> Markup:
    say, pointer = frame.say, found.pointer
    if found.problem:
        return section(say("In service"), tag("p", found.problem, class_="banner alarm"))
    if not pointer:
        return section(say("In service"), tag("p", say("No model is in service."), class_="lead"))
    slices = ((found.record or {}).get("evaluation") or {}).get("slices") or {}
    test = slices.get("test") or {}
    tiles: list[tuple[str, object, str]] = [
        (say("Version"), frame.link(f"models/{pointer['version']}", pointer["version"]), _since(pointer, frame)),
        (say("Accuracy"), say.score(test.get("accuracy")), say("on complaints held out of its training")),
        ("Macro-F1", say.score(test.get("macro_f1")), say("every class has equal weight")),
        (say("Calibration error"), say.score(test.get("expected_calibration_error")), say("of its confidence")),
    ]
    if shadow := pointer.get("shadow"):
        tiles.append((say("Shadow"), shadow["version"], say("classifies beside it, unpublished")))
    reason = (
        tag("p", say("Reason: {reason}", reason=pointer["reason"]), class_="note") if pointer.get("reason") else None
    )
    return section(say("In service"), tile_list(tiles), reason)


def _since(pointer: Mapping[str, Any], frame: Frame) -> str:
    if "at" not in pointer:
        return frame.say("since before promotions were recorded")
    return frame.say("since {time}, by {by}", time=frame.say.time(pointer["at"]), by=pointer.get("by"))


def tile_list(tiles: list[tuple[str, object, str]]) -> Markup:
    """Figures side by side: name, value and meaning of each."""
    return tag(
        "dl",
        *(
            tag("div", tag("dt", name), tag("dd", value, class_="value"), tag("dd", meaning, class_="meaning"))
            for name, value, meaning in tiles
        ),
        class_="tiles",
    )
