"""The versions of the model: scores, verdicts and cards, two of them class by class, and what may be done with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from complaints.models import registry
from complaints.models.promotion import HISTORY, PREVIOUS
from complaints.pages.documents import Documents
from complaints.pages.formatting import NOT_KNOWN
from complaints.pages.frame import Frame, document
from complaints.pages.markup import Markup, section, table, tag
from complaints.pages.scores import NEWEST, TEST, scores, verdict_sentence
from complaints.pages.words import Words

PROMOTION = "complaints_promotion"
_RECORD = "/model.json"
_MOST_VERSIONS, _MOST_CHANGES = 200, 20
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Models:
    """The records of the newest versions, newest first; the pointer; and the last changes of it, newest first."""

    records: Sequence[Record]
    pointer: Mapping[str, Any] | None
    changes: Sequence[Mapping[str, Any]]
    problem: str = ""
    """Why the pointer cannot be read; empty if it can."""

    @property
    def in_service(self) -> str:
        """The version in service; empty if there is none."""
        return str(self.pointer["version"]) if self.pointer else ""


def read(documents: Documents) -> Models:
    """What the page of all versions shows."""
    listed = sorted(documents.listed(registry.VERSIONED, _RECORD), key=lambda each: _number(each.key), reverse=True)
    records = [each for each in documents.read(listed[:_MOST_VERSIONS]) if isinstance(each, Mapping)]
    history = sorted(documents.listed(HISTORY), key=lambda each: each.key, reverse=True)[:_MOST_CHANGES]
    changes = [each for each in documents.read(history) if isinstance(each, Mapping)]
    try:
        pointer, _ = registry.pointer(documents.bucket)
    except registry.NoModelError as error:
        return Models(records, None, changes, str(error))
    return Models(records, pointer, changes)


def record_of(documents: Documents, version: str) -> Record | None:
    """The record of one version; None if there is no such version."""
    found = documents.at(registry.ModelVersion.named(version).record_key)
    return found if isinstance(found, Mapping) else None


def _number(key: str) -> int:
    name = key.removesuffix(_RECORD).rpartition("/v")[2]
    return int(name) if name.isdecimal() else 0


def render(found: Models, frame: Frame) -> str:
    """The page of all versions."""
    say = frame.say
    problem = tag("p", found.problem, class_="banner alarm") if found.problem else None
    if not found.records:
        nothing = say("There is no version yet: run complaints_training.")
        return document(frame, say("Models"), problem, tag("p", nothing, class_="lead"), place="models")
    return document(
        frame,
        say("Models"),
        problem,
        waiting(frame),
        section(
            say("Versions"), table(_head(say), (_row(each, found, frame) for each in found.records), class_="runs")
        ),
        _roll_back(found, frame),
        _comparison_form(found, frame),
        _changes(found, frame),
        place="models",
    )


def waiting(frame: Frame) -> Markup:
    """The section that the page's script fills with Airflow's open questions about versions; hidden while empty."""
    say = frame.say
    return tag(
        "section",
        tag("h2", say("Waits for a person")),
        tag("ul", class_="reasons"),
        hidden="",
        data_waiting="complaints_training",
        data_approve=say("Approve"),
        data_reject=say("Reject"),
        data_sure=say("Sure?"),
        data_done=say("Answered."),
    )


def _head(say: Words) -> tuple[str, ...]:
    head = (say("version"), say("verdict"), say("accuracy"), "macro-F1", say("accuracy of the newest"))
    return (*head, say("compared with"), say("made"), "")


def _row(record: Record, found: Models, frame: Frame) -> list[object]:
    say, version = frame.say, str(record["version"])
    slices = (record.get("evaluation") or {}).get("slices") or {}
    test, newest = slices.get("test") or {}, slices.get("newest") or {}
    serves = version == found.in_service
    mark = tag("span", say("in service"), class_="badge good") if serves else _promote(record, frame)
    return [
        frame.link(f"models/{version}", version),
        verdict_of(record) or NOT_KNOWN,
        say.score(test.get("accuracy")),
        say.score(test.get("macro_f1")),
        say.score(newest.get("accuracy")),
        record.get("in_service") or NOT_KNOWN,
        say.time(record.get("created_at")),
        mark,
    ]


def verdict_of(record: Record) -> str:
    """The verdict of the gate; empty for a version of before the gate."""
    found = record.get("verdict")
    return str(found.get("verdict", "")) if isinstance(found, Mapping) else str(found or "")


def _promote(record: Record, frame: Frame) -> Markup | str:
    if PROMOTION not in frame.may:
        return ""
    version = str(record["version"])
    return action(
        frame, frame.say("Promote {version}", version=version), version, forced=verdict_of(record) != "PROMOTE"
    )


def _roll_back(found: Models, frame: Frame) -> Markup | None:
    previous = (found.pointer or {}).get("previous")
    if not previous or PROMOTION not in frame.may:
        return None
    return tag("p", action(frame, frame.say("Roll back to {version}", version=previous), PREVIOUS), class_="acts")


def action(frame: Frame, name: str, version: str, *, forced: bool = False) -> Markup:
    """A button and the dialog that asks for a reason; the page's script then triggers the DAG through Airflow's API.

    `forced`: the gate did not pass the version, so the dialog offers to force it.
    """
    say, place = frame.say, f"act-{version}"
    force = tag("label", tag("span", _input(type="checkbox", name="force"), " ", say("Force: it is not approved")))
    dialog = tag(
        "dialog",
        tag(
            "form",
            tag("h2", name, id=f"{place}-title"),
            tag("p", say("This triggers complaints_promotion as {user}. The next run uses it.", user=frame.user)),
            tag("label", say("Reason"), _input(name="reason", maxlength=200, required="")),
            force if forced else None,
            tag("p", role="status", class_="note", data_answer=""),
            tag(
                "menu",
                tag("button", say("Cancel"), type="button", data_cancel=""),
                tag("button", name, type="submit"),
            ),
            method="dialog",
            data_version=version,
            data_started=say("Started:"),
        ),
        id=place,
        aria_labelledby=f"{place}-title",
    )
    return tag("span", tag("button", name, type="button", data_opens=place), dialog)


def _input(**attributes: object) -> Markup:
    return Markup(tag("input", **attributes).removesuffix("</input>"))


def _comparison_form(found: Models, frame: Frame) -> Markup | None:
    say, versions = frame.say, [str(each["version"]) for each in found.records]
    if len(versions) < 2:
        return None
    others = [each for each in versions if each != versions[0]]
    chosen = (found.in_service if found.in_service in others else others[0], versions[0])

    def choice(name: str, label: str, now: str) -> Markup:
        options = [tag("option", each, selected="" if each == now else None) for each in versions]
        return tag("label", label, tag("select", *options, name=name))

    return section(
        say("Compare two versions"),
        tag(
            "form",
            choice("left", say("version"), chosen[0]),
            choice("right", say("beside"), chosen[1]),
            tag("button", say("Compare")),
            method="get",
            action=f"{frame.root}/compare",
            class_="filters",
        ),
    )


def _changes(found: Models, frame: Frame) -> Markup | None:
    say = frame.say
    changes = [each["last_change"] for each in found.changes if each.get("last_change")]
    if not changes:
        return None
    body = [
        (say.time(each["at"]), say(each["action"]), each["version"], each["by"], each["reason"] or NOT_KNOWN)
        for each in changes
    ]
    return section(
        say("Last changes"), table((say("time"), say("change"), say("version"), say("by"), say("reason")), body)
    )


def render_version(record: Record, card: str, in_service: str, frame: Frame) -> str:
    """The page of one version; `card` is its model card, in Markdown."""
    say, version = frame.say, str(record["version"])
    slices = (record.get("evaluation") or {}).get("slices") or {}
    verdict = record.get("verdict")
    reasons = verdict.get("reasons") or [] if isinstance(verdict, Mapping) else []
    sentence = verdict_sentence(record) if isinstance(verdict, Mapping) else ""
    serves = tag("p", tag("span", say("in service"), class_="badge good")) if version == in_service else None
    return document(
        frame,
        say("Model {version}", version=version),
        serves or tag("p", _promote(record, frame), class_="acts"),
        tag("p", sentence, class_="lead") if sentence else None,
        tag("ul", *(tag("li", each) for each in reasons), class_="reasons") if len(reasons) > 1 else None,
        scores(slices.get("test"), TEST, say),
        scores(slices.get("newest"), NEWEST, say),
        section(say("Model card"), tag("pre", card)) if card else None,
        place="models",
    )


def render_comparison(left: Record, right: Record, frame: Frame) -> str:
    """The page of two versions, class by class."""
    say, names = frame.say, [str(each["version"]) for each in (left, right)]
    sides = [_overall(each) for each in (left, right)]
    classes = [(each.get("per_class") or {}) for each in sides]
    head = (say("class"), *(f"{what} {name}" for what in (say("recall"), "F1") for name in names), say("difference"))
    body = [[*_compared(name, classes, say)] for name in dict.fromkeys([*classes[0], *classes[1]])]
    scored = (("accuracy", say("accuracy")), ("macro_f1", "macro-F1"))
    total = [(name, *(say.score(side.get(key)) for side in sides)) for key, name in scored]
    note = say("Each on the complaints held out of its own training: those of two trainings are not the same.")
    return document(
        frame,
        say("{left} beside {right}", left=names[0], right=names[1]),
        tag("p", note, class_="lead"),
        table(("", *names), total),
        section(say("By class"), table(head, body, class_="runs")),
        _paired(left, right, frame),
        place="models",
    )


def _overall(record: Record) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (record.get("evaluation") or {}).get("overall") or {}
    return found


def _compared(name: str, classes: Sequence[Mapping[str, Any]], say: Words) -> Iterator[object]:
    sides = [each.get(name) or {} for each in classes]
    yield name
    yield from (say.score(side.get(key)) for key in ("recall", "f1") for side in sides)
    before, after = (side.get("f1") for side in sides)
    if before is None or after is None:
        yield NOT_KNOWN
        return
    gain = after - before
    sign, kind = ("+", "better") if gain >= 0.0005 else ("-", "worse") if gain <= -0.0005 else ("", None)
    yield tag("span", f"{sign}{say.score(abs(gain))}", class_=kind)


def _paired(left: Record, right: Record, frame: Frame) -> Markup | None:
    """Both on the same complaints, if one was in service when the other was evaluated; None otherwise."""
    say = frame.say
    for challenger, other in ((right, left), (left, right)):
        comparison = (challenger.get("evaluation") or {}).get("comparison") or {}
        overall = comparison.get("overall") or {}
        if challenger.get("in_service") == other["version"] and overall.get("n"):
            body = [
                (say("complaints"), say.count(overall["n"])),
                (say("same answer"), say.percent(overall["agreement"], 1)),
                (say("only {version} is right", version=challenger["version"]), say.count(overall["challenger_right"])),
                (say("only {version} is right", version=other["version"]), say.count(overall["in_service_right"])),
                (say("different answers, both wrong"), say.count(overall["both_wrong"])),
            ]
            return section(say("On the same complaints"), table(("", ""), body))
    return None
