"""The figures of the report: bars as inline SVG, the histogram and the confusion matrix.

Every length is a percentage: figures scale with the page, and their text keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from complaints.pages.formatting import count, largest_first, percent
from complaints.pages.markup import DRAWN, Markup, markup, table, tag
from complaints.pages.words import ENGLISH, Words

# Per cent of the width of a signal's bar that its band of chance takes.
_BAND = 200 / 3


@dataclass(frozen=True)
class Portion:
    """One coloured part of a bar; `colour` is a class of the style sheet, `written` the size as text."""

    label: str
    size: float
    colour: str
    written: str


def stacked_bar(portions: Iterable[Portion], whole: float, *, class_: str = "stack") -> Markup:
    """A bar of several portions, drawn to the scale of `whole`."""
    drawn, x = [], 0.0
    portions = list(portions)
    for portion in portions:
        width = 100 * portion.size / whole if whole else 0
        if width > 0:
            title = tag("title", f"{portion.label}: {portion.written}")
            drawn.append(_rectangle(title, x=x, width=width, class_=f"fill-{portion.colour}"))
            x += width
    label = ", ".join(f"{portion.label} {portion.written}" for portion in portions)
    return tag("svg", *drawn, class_=class_, role="img", aria_label=label)


def legend(portions: Iterable[tuple[str, str]]) -> Markup:
    """A legend of (label, colour) pairs."""
    return tag("p", *(tag("span", swatch(colour), label) for label, colour in portions), class_="legend")


def swatch(colour: str) -> Markup:
    """A small square of one colour, for a legend or beside a name in a table."""
    square = _rectangle(x=0, width=100, class_=f"fill-{colour}")
    return tag("svg", square, class_="swatch", aria_hidden="true")


def bar(size: float, whole: float, colour: str = "one") -> Markup:
    """A single bar, for a cell beside the number that it shows."""
    width = 100 * size / whole if whole else 0
    return tag("svg", _rectangle(x=0, width=width, class_=f"fill-{colour}"), class_="bar", aria_hidden="true")


def counted_bars(head: tuple[str, str], counts: Mapping[str, int], colour: str, say: Words = ENGLISH) -> Markup:
    """A table of counts, largest first, each with a bar and its share."""
    total, longest = sum(counts.values()), max(counts.values(), default=0)
    body = [
        (name, tag("td", bar(n, longest, colour), class_="drawn"), say.count(n), say.percent(n, total))
        for name, n in largest_first(counts)
    ]
    named = (head[0], DRAWN, head[1], say("share"))
    return table(named, body, class_="bars")


def histogram(edges: Sequence[float], counts: Sequence[int], say: Words = ENGLISH) -> Markup:
    """Vertical bars, each with its count above and the lower edge of its interval below."""
    tallest, total = max(counts, default=0), sum(counts)
    bars = []
    for (low, high), number in zip(pairwise(edges), counts, strict=True):
        height = 100 * number / tallest if tallest else 0
        place = {"y": f"{100 - height:.2f}%", "height": f"{height:.2f}%"}
        column = tag("rect", x="0", width="100%", class_="fill-one", **place)
        title = f"{low:.1f} - {high:.1f}: {say.count(number)} ({say.percent(number, total)})"
        bars.append(
            tag(
                "li",
                tag("span", say.count(number), class_="count"),
                tag("svg", tag("title", title), column, role="img", aria_label=title),
                tag("span", f"{low:.1f}", class_="edge"),
            )
        )
    between = [f"{low:.1f} - {high:.1f}" for low, high in pairwise(edges)]
    body = [(name, say.count(each), say.percent(each, total)) for name, each in zip(between, counts, strict=True)]
    head = (say("interval"), say("complaints"), say("share"))
    return markup(tag("ol", *bars, class_="histogram"), behind(table(head, body), say))


def behind(numbers: Markup, say: Words = ENGLISH) -> Markup:
    """The table of a chart, which opens below it."""
    return tag("details", tag("summary", say("As a table")), numbers)


def confusion_matrix(confusion: Mapping[str, Any]) -> Markup:
    """Counts by true class (rows) and predicted class (columns), each shaded by its share of the row."""
    labels: list[str] = confusion["labels"]
    corner = tag("th", tag("span", "true ↓ · predicted →"), class_="corner", scope="col")
    head = tag("tr", corner, *(tag("th", tag("span", label), scope="col", title=label) for label in labels))
    body = [
        tag("tr", tag("th", label, scope="row"), *_shaded(label, labels, row))
        for label, row in zip(labels, confusion["rows"], strict=True)
    ]
    drawn = tag("table", tag("thead", head), tag("tbody", *body), class_="confusion")
    return tag("div", drawn, class_="scroll tall", tabindex=0)


def _shaded(true: str, labels: Sequence[str], row: Sequence[int]) -> Iterable[Markup]:
    total = sum(row)
    for predicted, number in zip(labels, row, strict=True):
        share = number / total if total else 0
        kind = "right" if predicted == true else "wrong"
        # Dark shades need light text, and CSS cannot tell how dark a shade is.
        depth = " deep" if share > 0.6 else "" if number else " none"
        yield tag(
            "td",
            count(number),
            class_=kind + depth,
            style=f"--share:{share:.3f}",
            title=f"{true}, predicted {predicted}: {percent(number, total)} of the row",
        )


def _rectangle(*children: Markup, x: float, width: float, class_: str) -> Markup:
    return tag("rect", markup(*children), x=f"{x:.3f}%", width=f"{width:.3f}%", height="100%", class_=class_)


@dataclass(frozen=True)
class Point:
    """A measured value with its interval, between 0 and 1."""

    label: str
    estimate: float
    low: float
    high: float


def series(points: Sequence[Point], label: str, say: Words = ENGLISH) -> Markup:
    """Values in their order as a line within the band of their intervals, and their table.

    The scale is that of the values, in steps of a tenth.
    """
    lowest = math.floor(10 * min(each.low for each in points)) / 10
    highest = max(math.ceil(10 * max(each.high for each in points)) / 10, lowest + 0.1)
    # A single value has no line: it is drawn across the whole width.
    drawn = points if len(points) > 1 else [points[0], points[0]]

    def path(values: Iterable[tuple[int, float]]) -> list[str]:
        step, height = 100 / (len(drawn) - 1), highest - lowest
        return [f"{step * number:.2f},{100 * (highest - value) / height:.2f}" for number, value in values]

    upper = path((number, each.high) for number, each in enumerate(drawn))
    lower = path((number, each.low) for number, each in enumerate(drawn))
    line = path((number, each.estimate) for number, each in enumerate(drawn))
    picture = tag(
        "svg",
        tag("title", label),
        tag("polygon", points=" ".join([*upper, *reversed(lower)]), class_="band"),
        tag("polyline", points=" ".join(line), class_="line", vector_effect="non-scaling-stroke"),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    ends = [tag("span", each.label) for each in (points[0], points[-1])][: len(points)]
    scale = tag("span", tag("span", f"{highest:.1f}"), tag("span", f"{lowest:.1f}"), class_="scale")
    chart = tag("div", scale, picture, tag("span", *ends, class_="ends"), class_="series")
    numbers = ((each.label, *map(say.score, (each.estimate, each.low, each.high))) for each in points)
    head = (say("time"), say("value"), say("from"), say("to"))
    return markup(chart, behind(table(head, numbers), say))


def against(value: float, threshold: float) -> Markup:
    """A bar of a value within the grey band of chance, which ends at its threshold; what is far longer is cut."""
    share = value / threshold * _BAND if threshold else 100.0
    colour = "fill-quarantined" if value > threshold else "fill-one"
    band = _rectangle(x=0, width=_BAND, class_="fill-band")
    edge = _rectangle(x=_BAND, width=0.6, class_="fill-mark")
    drawn = tag("rect", y="25%", width=f"{min(share, 100.0):.3f}%", height="50%", class_=colour)
    return tag("svg", band, drawn, edge, class_="bar", aria_hidden="true")


def interval(low: float, estimate: float, high: float, start: float) -> Markup:
    """An interval as a band with its estimate, on a scale from `start` to 1."""

    def place(value: float) -> float:
        return 100 * (min(max(value, start), 1.0) - start) / (1 - start)

    band = _rectangle(x=place(low), width=place(high) - place(low), class_="fill-range")
    mark = _rectangle(x=min(place(estimate), 99.2), width=0.8, class_="fill-mark")
    return tag("svg", band, mark, class_="bar", aria_hidden="true")
