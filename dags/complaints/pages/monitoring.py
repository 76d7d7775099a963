"""Monitoring: the estimated accuracy over time, what has changed beyond chance, and what was decided and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from complaints.pages.documents import Documents
from complaints.pages.figures import Point, against, series
from complaints.pages.formatting import NOT_KNOWN, plain
from complaints.pages.frame import Frame, document
from complaints.pages.markup import DRAWN, Markup, section, table, tag
from complaints.pages.words import ENGLISH, Words

PREFIX = "monitoring/run_id="
_DECISION, _ASSESSMENT = "/decision.json", "/monitoring.json"
# The newest windows; a year of weekly classifications.
_MOST = 60


@dataclass(frozen=True)
class Monitored:
    """What was measured about a classification and what was decided; None for what there is not."""

    run_id: str
    assessment: Mapping[str, Any] | None
    decision: Mapping[str, Any] | None

    @property
    def at(self) -> str:
        """The time of the decision; empty without one."""
        return str((self.decision or {}).get("decided_at", ""))

    @property
    def estimate(self) -> Mapping[str, float] | None:
        """The estimated accuracy with its interval."""
        found: Mapping[str, float] | None = (self.assessment or {}).get("estimated_accuracy")
        return found

    @property
    def signals(self) -> Mapping[str, Mapping[str, Any]]:
        """The signals by name: value, threshold, and whether it has moved beyond chance."""
        found: Mapping[str, Mapping[str, Any]] = (self.assessment or {}).get("signals") or {}
        return found

    @property
    def moved(self) -> list[str]:
        """The names of the signals beyond their thresholds."""
        return [name for name, signal in self.signals.items() if signal.get("moved")]


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
    return section(say("Estimated accuracy"), series(points, say("Estimated accuracy over time")), lead=lead)


def section_of(found: Monitored, say: Words = ENGLISH, *, title: str = "", lead: str = "") -> Markup | None:
    """The section on one window: its figures beside their limits, and the decision; None if it was not monitored."""
    if found.assessment is None and found.decision is None:
        return None
    decision = found.decision or {}
    reasons = [tag("li", reason) for reason in decision.get("reasons") or []]
    return section(
        title or say("Monitoring"),
        tag("p", say("Decision"), ": ", tag("strong", say(str(decision.get("action", NOT_KNOWN))))),
        tag("ul", *reasons, class_="reasons") if reasons else None,
        _accuracies(found.assessment or {}, say),
        _violations(found.assessment or {}, say),
        _signals(found, say),
        lead=lead or say("These complaints beside those that the model was evaluated on."),
    )


def _accuracies(assessment: Mapping[str, Any], say: Words) -> Markup:
    """The accuracy without labels, that by labels where there are any, and that on the held-out complaints."""
    labelled = (assessment.get("delayed_accuracy") or {}).get("accuracy")
    named = (
        (say("estimated accuracy, without labels"), assessment.get("estimated_accuracy")),
        (say("accuracy by the consumer's choice"), labelled),
        (say("held out, at the evaluation"), assessment.get("baseline_accuracy")),
    )
    body = [(name, say.score(each["estimate"]), _interval(each, say)) for name, each in named if each]
    if not body:
        return tag("p", say("no estimate of the accuracy"), class_="note")
    return table((say("accuracy"), say("value"), say("interval")), body)


def _violations(assessment: Mapping[str, Any], say: Words) -> Markup | None:
    body = [
        (say(plain(each["check"])), say.score(each["value"]), say.score(each["limit"]))
        for each in assessment.get("violations") or []
    ]
    return table((say("violated check"), say("value"), say("limit")), body) if body else None


def _signals(found: Monitored, say: Words) -> Markup | None:
    body = [
        (
            say(plain(name)),
            tag("td", against(float(signal["value"]), float(signal["threshold"])), class_="drawn"),
            say.score(signal["value"]),
            say.score(signal["threshold"]),
            tag("span", say("changed"), class_="bad") if signal.get("moved") else "",
        )
        for name, signal in found.signals.items()
    ]
    return table((say("signal"), DRAWN, say("value"), say("threshold by chance"), ""), body) if body else None


def _interval(each: Mapping[str, float], say: Words) -> str:
    return f"{say.score(each['low'])} - {say.score(each['high'])}"


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
    yield _interval(estimate, say) if estimate else NOT_KNOWN
    yield ", ".join(say(plain(name)) for name in found.moved) or NOT_KNOWN
    yield say(str(decision.get("action", NOT_KNOWN)))
    yield tag("td", "; ".join(decision.get("reasons") or []), class_="sentence")
