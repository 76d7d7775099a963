"""One monitored classification: what was measured and what was decided, as a section and as a page of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from complaints.pages.figures import against, counted_bars, interval
from complaints.pages.formatting import NOT_KNOWN, plain
from complaints.pages.frame import standalone
from complaints.pages.markup import DRAWN, Markup, figure, markup, section, table, tag
from complaints.pages.words import ENGLISH, Words

ACTIONS = {
    "stop": "Stop, the data are faulty",
    "person": "A person is needed",
    "retrain": "Retrain the model",
    "evaluate": "Evaluate the model",
    "wait": "Wait for more complaints",
    "keep": "Keep the model",
}
SIGNALS = {
    "class_mix": "predicted classes",
    "confidence": "confidence",
    "unknown_words": "unknown words",
    "length": "length",
    "redactions": "redactions",
    "top_terms": "commonest words",
    "issue_mix": "predicted issues",
}


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


def action_named(name: object, say: Words) -> str:
    """The words for an action of the decision table; a dash without one."""
    return say(ACTIONS.get(str(name), str(name or NOT_KNOWN)))


def signal_named(name: str, say: Words) -> str:
    """The words for a signal."""
    return say(SIGNALS.get(name, plain(name)))


def render(assessment: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    """The page about one window as a file, for the content of `monitoring.json` and of `decision.json`."""
    found, title = Monitored(assessment["run_id"], assessment, decision), action_named(decision["action"], ENGLISH)
    lead = (
        f"Run {found.run_id}: {assessment['n']:,} complaints, classified by {assessment['model_version']}. "
        f"Decided {ENGLISH.time(found.at)} by the rule "
    )
    products = counted_bars(("product", "complaints"), assessment.get("predicted_products") or {}, "one")
    body = tag(
        "main",
        tag("h1", title),
        tag("p", lead, tag("code", decision["rule"]), ".", class_="lead"),
        *_reasons(decision, ENGLISH),
        section("Figures", *_figures(found, ENGLISH), lead=_LEAD),
        section("Predicted products", products) if assessment.get("predicted_products") else None,
    )
    return standalone(f"Monitoring, run {found.run_id}", body)


_LEAD = "These complaints beside those that the model was evaluated on."


def section_of(found: Monitored, say: Words = ENGLISH, *, title: str = "", lead: str = "") -> Markup | None:
    """The section on one window: its figures beside their limits, and the decision; None if it was not monitored."""
    if found.assessment is None and found.decision is None:
        return None
    decision = found.decision or {}
    rule = markup(" (", tag("code", decision["rule"]), ")") if decision.get("rule") else None
    return section(
        title or say("Monitoring"),
        tag("p", say("Decision"), ": ", tag("strong", action_named(decision.get("action"), say)), rule),
        *_reasons(decision, say),
        *_figures(found, say),
        lead=lead or say(_LEAD),
    )


def _reasons(decision: Mapping[str, Any], say: Words) -> Iterator[Markup]:
    """Why, and what became of the retraining where the decision was to retrain."""
    if reasons := decision.get("reasons"):
        yield tag("ul", *(tag("li", reason) for reason in reasons), class_="reasons")
    if retraining := decision.get("retraining"):
        started = retraining["action"] == "retrain"
        told = "A retraining is started: {reason}." if started else "A retraining is not started: {reason}."
        yield tag("p", say(told, reason=retraining["reason"]))


def _figures(found: Monitored, say: Words) -> Iterator[Markup]:
    assessment = found.assessment
    if assessment is None:
        yield tag("p", say("no estimate of the accuracy"), class_="note")
        return
    yield from _violations(assessment, say)
    yield _accuracies(assessment, say)
    yield _signals(found, say)
    unknown = (assessment.get("unknown_products") or {}).get("names")
    if unknown:
        bars = counted_bars((say("product"), say("complaints")), unknown, "quarantined", say)
        yield figure(say("Products that no rule knows"), bars)


def _accuracies(assessment: Mapping[str, Any], say: Words) -> Markup:
    """The accuracy without labels, that by labels where there are any, and that on the held-out complaints."""
    labelled, recent = (assessment.get(name) or {} for name in ("delayed_accuracy", "recent_accuracy"))
    published = assessment.get("published_accuracy") or {}
    named = {
        say("held out, at the evaluation"): assessment.get("baseline_accuracy"),
        say("estimated without labels"): assessment.get("estimated_accuracy"),
        say("of {number} labelled complaints", number=say.count(labelled.get("n"))): labelled.get("accuracy"),
        say("of {number}, with earlier windows", number=say.count(recent.get("n"))): recent.get("accuracy"),
        **{
            say("of {number}, published by {version}", number=say.count(each["n"]), version=version): each["accuracy"]
            for version, each in published.items()
        },
    }
    known = {name: each for name, each in named.items() if each}
    if not known:
        return tag("p", say("no estimate of the accuracy"), class_="note")
    start = min(0.5, *(int(10 * each["low"]) / 10 for each in known.values()))
    body = [
        (
            name,
            tag("td", interval(each["low"], each["estimate"], each["high"], start), class_="drawn"),
            say.score(each["estimate"]),
            interval_of(each, say),
        )
        for name, each in known.items()
    ]
    caveat = say("Labels are the products that consumers chose when filing: not ground truth.")
    note = tag("p", caveat, class_="note") if labelled.get("accuracy") or recent.get("accuracy") else None
    none = say("No label came for an answer that was published without one.")
    late = None if published else tag("p", none, class_="note")
    head = (say("accuracy"), DRAWN, say("value"), say("95 % interval"))
    return figure(say("Accuracy"), table(head, body, class_="bars"), note, late)


def interval_of(each: Mapping[str, float], say: Words) -> str:
    """An interval as text."""
    return f"{say.score(each['low'])} - {say.score(each['high'])}"


def _violations(assessment: Mapping[str, Any], say: Words) -> Iterator[Markup]:
    body = [
        (each["message"], f"{each['value']:.3g}", f"{each['limit']:.3g}") for each in assessment.get("violations") or []
    ]
    if body:
        yield figure(say("Faulty data"), table((say("violated check"), say("found"), say("limit")), body))


def _signals(found: Monitored, say: Words) -> Markup:
    body = [
        (
            signal_named(name, say),
            tag("td", against(float(signal["value"]), float(signal["threshold"])), class_="drawn"),
            say.distance(signal["value"]),
            say.distance(signal["threshold"]),
            tag("span", say("changed"), class_="bad") if signal.get("moved") else "",
        )
        for name, signal in found.signals.items()
    ]
    if not body:
        return tag("p", say("Not compared: there are too few complaints."), class_="note")
    head = (say("signal"), DRAWN, say("distance"), say("threshold by chance"), "")
    note = say("The distance from the held-out complaints. In the grey band it is no more than chance.")
    return figure(say("Signals"), table(head, body, class_="bars"), tag("p", note, class_="note"))
