"""The report of one run as one HTML page, which can be printed and needs no server and no network.

>>> render({}).splitlines()[0]
'<!doctype html>'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from complaints.pages.figures import counted_bars, histogram
from complaints.pages.formatting import NOT_KNOWN, count, part, plain
from complaints.pages.frame import standalone
from complaints.pages.markup import Markup, columns, figure, markup, section, tag
from complaints.pages.row_account import account_of
from complaints.pages.rows import classified_rows, training_rows
from complaints.pages.scores import LABELLED, NEWEST, TEST, scores, verdict_sentence
from laptop.report.monitoring import monitored
from laptop.report.timing import time


def render(summary: Mapping[str, Any]) -> str:
    """The page for the content of ``summary.json``; sections without data are left out."""
    classification, evaluation = part(summary, "classification"), part(part(summary, "model"), "evaluation")
    body = markup(
        _header(summary),
        tag(
            "main",
            _failure(part(summary, "failure")) or classified_rows(classification),
            _predictions(classification),
            scores(evaluation.get("test"), TEST),
            scores(evaluation.get("newest"), NEWEST),
            scores(classification.get("labelled"), LABELLED),
            monitored(part(summary, "monitoring")),
            training_rows(part(summary, "training")),
            time(summary),
            _places(summary),
        ),
    )
    return standalone(f"{_title(summary)}, run {_run_id(summary)}", body)


def _failure(failure: Mapping[str, Any]) -> Markup | None:
    """The cause and what to do, in place of the rows; None for a run that succeeded."""
    if not failure:
        return None
    source = f" of {failure['source']}" if failure.get("source") else ""
    at = f" at {failure['task_id']}" if failure["task_id"] else ""
    return section(
        "Why it failed",
        tag("p", failure["cause"]),
        tag("p", tag("strong", "What to do. "), failure["remedy"]) if failure.get("remedy") else None,
        lead=f"{failure['dag_id']}{source} failed{at}.",
    )


def _run_id(summary: Mapping[str, Any]) -> str:
    return str(part(summary, "classification").get("run_id", NOT_KNOWN))


def _title(summary: Mapping[str, Any]) -> str:
    failure = part(summary, "failure")
    return f"{failure['dag_id']} failed" if failure else "Consumer complaints, classified"


def _header(summary: Mapping[str, Any]) -> Markup:
    classification = part(summary, "classification")
    facts = (
        ("run", classification.get("run_id")),
        ("model version", part(summary, "model").get("version")),
        ("release", summary.get("release")),
        ("orchestrator", summary.get("orchestrator")),
    )
    return tag(
        "header",
        tag("p", "PTMLops · run report", class_="eyebrow"),
        tag("h1", _title(summary)),
        tag("dl", *(_fact(name, value) for name, value in facts), class_="facts"),
        tag("p", sentence, class_="note") if (sentence := verdict_sentence(part(summary, "model"))) else None,
        _synthetic() if summary.get("synthetic") else None,
        *_alarms(summary),
    )


def _fact(name: str, value: object) -> Markup:
    return tag("div", tag("dt", name), tag("dd", NOT_KNOWN if value is None else value))


def _synthetic() -> Markup:
    return tag(
        "p",
        tag("strong", "Synthetic data."),
        " These complaints were generated: the scores show that the flows work, "
        "not how good the model is on real complaints.",
        class_="banner",
        role="note",
    )


def _alarms(summary: Mapping[str, Any]) -> Iterator[Markup]:
    """Warnings at the top of the page: missing rows and failed flows."""
    for name in ("training", "classification"):
        account = account_of(part(summary, name))
        if account and not account.adds_up:
            yield tag("p", f"The row account of the {name} {account.verdict()}.", class_="banner alarm")
    for flow in summary.get("flows") or []:
        if flow.get("state") != "success":
            state = plain(str(flow.get("state") or "not run"))
            yield tag("p", f"The flow {flow['dag_id']} did not succeed: {state}.", class_="banner alarm")


def _predictions(classification: Mapping[str, Any]) -> Markup | None:
    products, confidence = part(classification, "predicted_products"), part(classification, "confidence")
    blocks = []
    if products:
        blocks.append(figure("Predicted products", counted_bars(("product", "complaints"), products, "one")))
    if confidence.get("counts"):
        drawn = histogram(confidence["edges"], confidence["counts"])
        note = tag(
            "p", "Probability of the predicted class. Below each bar: the lower edge of its interval.", class_="note"
        )
        blocks.append(figure("Confidence of the predictions", drawn, note))
    return section("Predictions", columns(*blocks)) if blocks else None


def _places(summary: Mapping[str, Any]) -> Markup | None:
    read = {
        "history files": part(summary, "training").get("inputs"),
        "classified files": part(summary, "classification").get("inputs"),
    }
    places = [(plain(name), [place]) for name, place in part(summary, "results").items() if place]
    places += [(name, inputs) for name, inputs in read.items() if inputs]
    if (skipped := part(summary, "skipped_files")).get("count"):
        more = skipped["count"] - len(skipped["first"])
        places.append(("skipped files", [*skipped["first"], *([f"and {count(more)} more"] if more else [])]))
    if not places:
        return None
    entries = (
        tag("div", tag("dt", name), *(tag("dd", tag("code", value)) for value in values)) for name, values in places
    )
    return section("Files and locations", tag("dl", *entries, class_="places"))
