"""The sections on the model's scores: one for each slice of complaints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.pages.figures import bar, confusion_matrix
from complaints.pages.formatting import NOT_KNOWN, count, part
from complaints.pages.markup import DRAWN, Markup, columns, figure, section, table, tag
from complaints.pages.words import ENGLISH, Words

# The title and the explanation of each slice.
TEST = (
    "Scores on the test slice",
    "Complaints held out of training: the model has not seen them.",
)
NEWEST = (
    "Scores on the newest complaints",
    "The latest complaints, held out by date. Scores lower than on the test slice are a sign of drift.",
)
LABELLED = (
    "Agreement with the consumer's choice",
    "The predictions of this run against the product that the consumer chose: "
    "the consumer's own choice at filing, not ground truth.",
)


def verdict_sentence(model: Mapping[str, Any]) -> str:
    """The gate's verdict on a model and its first reason; empty for a model of before the gate.

    >>> verdict_sentence({"verdict": {"verdict": "HOLD", "reasons": ["too few", "too old"]}, "in_service": "v1"})
    'Verdict of the gate, beside v1: HOLD, as too few (and 1 more)'
    """
    if not (found := part(model, "verdict")):
        return ""
    first, *more = found["reasons"]
    beside = f", beside {model['in_service']}" if model.get("in_service") else ""
    others = f" (and {len(more)} more)" if more else ""
    return f"Verdict of the gate{beside}: {found['verdict']}, as {first}{others}"


def scores(slice_: Mapping[str, Any] | None, wording: tuple[str, str], say: Words = ENGLISH) -> Markup | None:
    """The section of one slice; None if the slice was not evaluated."""
    if not slice_:
        return None
    title, lead = (say(each) for each in wording)
    blocks = [figure(say("By class"), _by_class(slice_, say))] if slice_.get("per_class") else []
    if part(slice_, "confusion").get("labels"):
        blocks.append(figure(say("Confusion"), confusion_matrix(slice_["confusion"]), _reading(say)))
    return section(title, _tiles(slice_, say), _seen(slice_), columns(*blocks) if blocks else None, lead=lead)


def _seen(slice_: Mapping[str, Any]) -> Markup | None:
    """A note on the complaints that the model was trained on; None for a slice that has none."""
    return tag("p", f"{seen_in_training(slice_)}.", class_="note") if seen_in_training(slice_) else None


def seen_in_training(slice_: Mapping[str, Any]) -> str:
    """How many complaints were left out of the scores since the model had seen them; empty if none was.

    >>> seen_in_training({"n": 2, "seen_in_training": 1})
    'Left out: 1 complaint that the model was trained on'
    """
    seen = slice_.get("seen_in_training", 0)
    if seen is None:
        return "May include complaints that the model was trained on: its training rows are no longer kept"
    noun = "complaint" if seen == 1 else "complaints"
    return f"Left out: {count(seen)} {noun} that the model was trained on" if seen else ""


def _tiles(slice_: Mapping[str, Any], say: Words) -> Markup:
    tiles = (
        (say("Accuracy"), say.score(slice_.get("accuracy")), say("share of correct predictions")),
        (say("Majority class"), say.score(slice_.get("majority_accuracy")), say("accuracy of always predicting it")),
        ("Macro-F1", say.score(slice_.get("macro_f1")), say("every class has equal weight")),
        ("ECE", say.score(slice_.get("expected_calibration_error")), say("expected calibration error")),
        (say("Complaints"), say.count(slice_.get("n")), say("in this slice")),
    )
    return tag(
        "dl",
        *(
            tag("div", tag("dt", name), tag("dd", value, class_="value"), tag("dd", meaning, class_="meaning"))
            for name, value, meaning in tiles
        ),
        class_="tiles",
    )


def _by_class(slice_: Mapping[str, Any], say: Words) -> Markup:
    head = (say("class"), say("precision"), say("recall"), "F1", DRAWN, say("support"))
    return table(head, (_class_row(name, each, say) for name, each in slice_["per_class"].items()), class_="classes")


def _class_row(name: str, scored: Mapping[str, Any], say: Words) -> tuple[object, ...]:
    f1 = say.score(scored.get("f1"))
    drawn = 0 if f1 == NOT_KNOWN else scored["f1"]
    return (
        name,
        say.score(scored.get("precision")),
        say.score(scored.get("recall")),
        f1,
        tag("td", bar(drawn, 1), class_="drawn"),
        say.count(scored.get("support")),
    )


def _reading(say: Words) -> Markup:
    return tag("p", say("Rows: true class. Columns: predicted class. Shade: share of the row."), class_="note")
