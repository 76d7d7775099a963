"""The evaluation as one HTML page with plots, which needs no server and no network; no narrative is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
:root { color-scheme: light dark }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .7rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr + tr { border-top: 1px solid #8884 }
svg { max-width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: currentColor }
.ours { fill: #2a6fb0; stroke: #2a6fb0 } .theirs { fill: #b5651d; stroke: #b5651d } .grid { stroke: #8886 }
.note { color: #777 }
"""
_WIDTH, _LEFT, _ROW = 720, 190, 24
_SLICES = {"test": "test slice", "newest": "newest complaints", "overall": "all held-out complaints"}


def render(evaluation: Mapping[str, Any]) -> str:
    """The page for the content of `evaluation.json`."""
    return "\n".join(_page(evaluation)) + "\n"


def _page(evaluation: Mapping[str, Any]) -> Iterator[str]:
    in_service = evaluation["in_service"] or {}
    rival = str(in_service.get("version", ""))
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f"<title>Evaluation, run {escape(evaluation['run_id'])}</title><style>{_STYLE}</style></head><body>"
    run, model = escape(evaluation["run_id"]), escape(evaluation["model_sha256"][:12])
    yield f"<h1>Evaluation of a model</h1><p>Run {run}, model {model}"
    yield f", beside {escape(rival)}.</p>" if rival else ". No model was in service.</p>"
    if "error" in in_service:
        yield f"<p><strong>{escape(rival)} could not be scored:</strong> {escape(in_service['error'])}</p>"
    if evaluation["leak"]["rows"]:
        yield f"<p><strong>{evaluation['leak']['rows']:,} held-out narratives are among the training rows.</strong></p>"
    yield from _scores(evaluation, rival)
    if evaluation["comparison"]:
        yield from _comparison(evaluation["comparison"], rival)
    yield "<h2>Recall by class</h2><p>On all held-out complaints, with 95 % intervals.</p>"
    yield _recalls(evaluation["overall"], in_service.get("overall"))
    yield "<h2>Calibration</h2><p>The share of right answers by confidence. A calibrated model is on the line.</p>"
    yield _calibration(evaluation["overall"]["calibration"]["bins"])
    yield from _groups("month", evaluation["overall"]["by_month"])
    yield from _groups("company", evaluation["overall"]["by_company"])
    yield '<p class="note">Labels are the products that consumers chose when filing: not ground truth.</p>'
    yield "</body></html>"


def _scores(evaluation: Mapping[str, Any], rival: str) -> Iterator[str]:
    yield "<h2>Scores</h2>"
    rows = []
    for who, scored in (("this model", evaluation), (rival, evaluation["in_service"] or {})):
        found = {**scored.get("slices", {}), **({"overall": scored["overall"]} if "overall" in scored else {})}
        for key in (key for key in _SLICES if key in found):
            each = found[key]
            accuracy, macro_f1 = (
                f"{each[name]:.3f} ({_range(each['intervals'][name])})" for name in ("accuracy", "macro_f1")
            )
            error = f"{each['expected_calibration_error']:.3f}"
            rows.append([f"{who}, {_SLICES[key]}", f"{each['n']:,}", accuracy, macro_f1, error])
    yield _table(["", "complaints", "accuracy", "macro-F1", "calibration error"], rows)


def _comparison(comparison: Mapping[str, Any], rival: str) -> Iterator[str]:
    yield f"<h2>Beside {escape(rival)}</h2>"
    found = [(_SLICES[key], comparison[key]) for key in _SLICES if comparison.get(key, {}).get("n")]
    yield _table(
        ["", "compared", "agree", "differ", "this model is right", f"{rival} is right", "neither"],
        [
            [name, f"{each['n']:,}", f"{each['agreement']:.1%}"]
            + [f"{each[key]:,}" for key in ("differ", "challenger_right", "in_service_right", "both_wrong")]
            for name, each in found
        ],
    )
    yield f"<p>Macro-F1 and recall of this model minus those of {escape(rival)}, with 95 % intervals:</p>"
    rows = [(f"macro-F1, {name}", each["macro_f1_difference"]) for name, each in found]
    classes = comparison["overall"].get("per_class", {}).items()
    rows += [(f"recall, {name}", each["recall_difference"]) for name, each in classes]
    yield _forest([(name, [("ours", each["estimate"], each["low"], each["high"])]) for name, each in rows], -0.5, 0.5)


def _recalls(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> str:
    rows = []
    for name, each in ours["per_class"].items():
        marks = [("ours", each["recall"], *each["intervals"]["recall"])]
        if theirs and name in theirs["per_class"]:
            other = theirs["per_class"][name]
            marks.append(("theirs", other["recall"], *other["intervals"]["recall"]))
        rows.append((f"{name} ({each['support']:,})", marks))
    return _forest(rows, 0, 1)


def _forest(rows: Sequence[tuple[str, Sequence[tuple[str, float, float, float]]]], low: float, high: float) -> str:
    """A line for each row: points with their intervals, from `low` to `high`; what lies beyond is drawn at the edge."""

    def x(value: float) -> float:
        return _LEFT + (min(max(value, low), high) - low) / (high - low) * (_WIDTH - _LEFT - 20)

    height = _ROW * (len(rows) + 1)
    marks = [
        f'<line class="grid" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="0" y2="{height - _ROW}"/>'
        f'<text x="{x(at):.1f}" y="{height - 6}" text-anchor="middle">{at:g}</text>'
        for at in (low, (low + high) / 2, high)
    ]
    for number, (name, points) in enumerate(rows):
        middle = number * _ROW + _ROW / 2
        marks.append(f'<text x="0" y="{middle + 4:.1f}">{escape(name)}</text>')
        for place, (kind, value, start, end) in enumerate(points):
            y = middle + 6 * place - 3 * (len(points) - 1)
            marks.append(f'<line class="{kind}" x1="{x(start):.1f}" x2="{x(end):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
            marks.append(f'<circle class="{kind}" cx="{x(value):.1f}" cy="{y:.1f}" r="3"/>')
    return _svg(height, marks)


def _calibration(bins: Iterable[Mapping[str, Any]]) -> str:
    side = 300

    def at(value: float) -> float:
        return 30 + value * (side - 60)

    marks = [f'<line class="grid" x1="{at(0)}" y1="{side - at(0)}" x2="{at(1)}" y2="{side - at(1)}"/>']
    for each in bins:
        x, y = at(each["confidence"]), side - at(each["accuracy"])
        told = f"confidence {each['confidence']:.2f}, accuracy {each['accuracy']:.2f}, {each['n']:,} complaints"
        radius = 3 + min(each["n"], 1_000) ** 0.5 / 5
        marks.append(f'<circle class="ours" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{told}</title></circle>')
    marks += [
        f'<text x="{at(0.5)}" y="{side - 8}" text-anchor="middle">confidence</text>',
        '<text x="0" y="14">accuracy</text>',
    ]
    return _svg(side, marks)


def _groups(name: str, found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if found:
        yield f"<h2>Accuracy by {name}</h2>"
        rows = [
            (f"{each[name][:24]} ({each['n']:,})", [("ours", each["accuracy"], *each["interval"])]) for each in found
        ]
        yield _forest(rows, 0, 1)


def _svg(height: float, marks: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img">{"".join(marks)}</svg>'


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(each)}</td>' for each in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _range(bounds: Sequence[float]) -> str:
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}"
