"""Monitoring: the estimated accuracy over time, what has changed beyond chance, and what was decided and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from complaints.pages.documents import Documents
from complaints.pages.figures import Point, series
from complaints.pages.formatting import NOT_KNOWN
from complaints.pages.frame import Frame, document
from complaints.pages.markup import Markup, section, table, tag
from complaints.pages.window import Monitored, action_named, interval_of, section_of, signal_named
from complaints.pages.words import Words

PREFIX = "monitoring/run_id="
_DECISION, _ASSESSMENT = "/decision.json", "/monitoring.json"
# The newest windows; a year of weekly classifications.
_MOST = 60


def read(documents: Documents) -> list[Monitored]:
    """The newest windows, newest first."""
    listed = documents.listed(PREFIX)
    runs = dict.fromkeys(
        each.key.removeprefix(PREFIX).partition("/")[0]
        for each in listed
        if each.key.endswith((_DECISION, _ASSESSMENT))
    )
    named = {each.key: each for each in listed}
    keys = [[f"{PREFIX}{run}{name}" for name in (_ASSESSMENT, _DECISION)] for run in list(runs)[:_MOST]]
    wanted = [named[key] for pair in keys for key in pair if key in named]
    found = dict(zip((each.key for each in wanted), documents.read(wanted), strict=True))
    return [
        Monitored(run, _mapping(found.get(assessment)), _mapping(found.get(decision)))
        for run, (assessment, decision) in zip(runs, keys, strict=False)
    ]


def of_run(documents: Documents, run_id: str) -> Monitored:
    """What was measured about one run."""
    found = (_mapping(documents.at(f"{PREFIX}{run_id}{name}")) for name in (_ASSESSMENT, _DECISION))
    return Monitored(run_id, *found)


def _mapping(found: object) -> Mapping[str, Any] | None:
    return found if isinstance(found, Mapping) else None


def render(windows: Sequence[Monitored], frame: Frame) -> str:
    """The page."""
    say = frame.say
    if not windows:
        nothing = say("No classification has been monitored yet: complaints_monitoring runs after each one.")
        return document(frame, say("Monitoring"), tag("p", nothing, class_="lead"), place="monitoring")
    return document(
        frame,
        say("Monitoring"),
        over_time(windows, frame),
        section(say("Windows"), table(_head(say), ([*_cells(each, frame)] for each in windows), class_="runs")),
        section_of(windows[0], say, title=say("The newest window")),
        place="monitoring",
    )


def over_time(windows: Sequence[Monitored], frame: Frame) -> Markup | None:
    """The section with the estimated accuracy of each window, oldest first; None if none has an estimate."""
    say = frame.say
    points = [
        Point(each.at[:10] or each.run_id, found["estimate"], found["low"], found["high"])
        for each in reversed(windows)
        if (found := each.estimate)
    ]
    if not points:
        return None
    lead = say("Estimated without labels, from the confidence of the model. The band is the 95 % interval.")
    return section(say("Estimated accuracy"), series(points, say("Estimated accuracy over time"), say), lead=lead)


def _head(say: Words) -> tuple[str, ...]:
    head = (say("run"), say("time"), say("model"), say("complaints"), say("estimated accuracy"), say("interval"))
    return (*head, say("changed"), say("decision"), say("why"))


def _cells(found: Monitored, frame: Frame) -> Iterator[object]:
    say, assessment, decision = frame.say, found.assessment or {}, found.decision or {}
    estimate = found.estimate
    version = str(assessment.get("model_version") or decision.get("model_version") or NOT_KNOWN)
    yield frame.link(f"runs/{found.run_id}", tag("code", found.run_id))
    yield say.time(found.at)
    yield frame.link(f"models/{version}", version)
    yield say.count(assessment.get("n"))
    yield say.score(estimate["estimate"]) if estimate else NOT_KNOWN
    yield interval_of(estimate, say) if estimate else NOT_KNOWN
    yield ", ".join(signal_named(name, say) for name in found.moved) or NOT_KNOWN
    yield action_named(decision.get("action"), say)
    yield tag("td", "; ".join(decision.get("reasons") or []), class_="sentence")
