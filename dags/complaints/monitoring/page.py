"""The page of a monitored classification: one HTML file, without a narrative, that fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
:root { color-scheme: light dark }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .7rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr + tr { border-top: 1px solid #8884 }
svg { max-width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: currentColor }
.mark { fill: #2a6fb0; stroke: #2a6fb0 } .moved { fill: #c0392b; stroke: #c0392b } .null { fill: #8884 }
.grid { stroke: #8886 } .note { color: #777 }
"""
_WIDTH, _LEFT, _ROW = 720, 230, 24
_ACTIONS = {
    "stop": "Stop: the data are faulty",
    "person": "A person is needed",
    "retrain": "Retrain",
    "evaluate": "Evaluate",
    "wait": "Wait for more complaints",
    "keep": "Keep the model",
}
_SIGNALS = {
    "class_mix": "predicted classes",
    "confidence": "confidence",
    "unknown_words": "unknown words",
    "length": "length",
    "redactions": "redactions",
    "top_terms": "commonest words",
}


def render(assessment: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The page for the content of `monitoring.json` and of `decision.json`."""
    return "\n".join(_page(assessment, found)) + "\n"


def _page(assessment: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    run, version = escape(assessment["run_id"]), escape(assessment["model_version"])
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f"<title>Monitoring, run {run}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{_ACTIONS[found['action']]}</h1>"
    yield f"<p>Run {run}: {assessment['n']:,} complaints, classified by {version}. Decided at {found['decided_at']}"
    yield f" by the rule <code>{escape(found['rule'])}</code>.</p>"
    yield f"<ul>{''.join(f'<li>{escape(reason)}</li>' for reason in found['reasons'])}</ul>"
    if found["retraining"]:
        started = "started" if found["retraining"]["action"] == "retrain" else "not started"
        yield f"<p>A retraining is {started}: {escape(found['retraining']['reason'])}.</p>"
    if assessment["violations"]:
        yield "<h2>Faulty data</h2>"
        faults = [
            [each["message"], f"{each['value']:.3g}", f"{each['limit']:.3g}"] for each in assessment["violations"]
        ]
        yield _table(["", "found", "limit"], faults)
    yield from _accuracy(assessment)
    yield from _signals(assessment["signals"])
    yield from _counts("Predicted products", assessment["predicted_products"])
    yield from _counts("Products that no rule knows", assessment["unknown_products"]["names"])
    yield "</body></html>"


def _accuracy(assessment: Mapping[str, Any]) -> Iterator[str]:
    delayed, recent = assessment["delayed_accuracy"], assessment["recent_accuracy"]
    known = {
        "of held-out complaints": assessment["baseline_accuracy"],
        "estimated without labels": assessment["estimated_accuracy"],
        f"of {delayed['n']:,} labelled complaints": delayed.get("accuracy"),
        f"of {recent['n']:,}, with earlier windows": recent.get("accuracy"),
    }
    rows = {name: each for name, each in known.items() if each}
    low = min(0.5, *(each["low"] for each in rows.values())) if rows else 0.5
    low = int(low * 10) / 10

    def x(value: float) -> float:
        return _LEFT + (value - low) / (1 - low) * (_WIDTH - _LEFT - 20)

    marks = [part for at in (low, (low + 1) / 2, 1) for part in _tick(x(at), f"{at:.0%}", len(rows))]
    for number, (name, each) in enumerate(rows.items()):
        y = number * _ROW + _ROW / 2
        told = f"{each['estimate']:.1%}, {each['low']:.1%} to {each['high']:.1%}"
        marks += [
            f'<text x="0" y="{y + 4:.1f}">{escape(name)}</text>',
            f'<line class="mark" x1="{x(each["low"]):.1f}" x2="{x(each["high"]):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<circle class="mark" cx="{x(each["estimate"]):.1f}" cy="{y:.1f}" r="3"><title>{told}</title></circle>',
        ]
    yield "<h2>Accuracy</h2><p>With 95 % intervals.</p>"
    yield _svg(_ROW * (len(rows) + 1), marks)
    yield _table(["", "estimate", "from", "to"], [[name, *map(_share, _bounds(each))] for name, each in rows.items()])
    yield '<p class="note">Labels are the products that consumers chose when filing: not ground truth.</p>'


def _signals(signals: Mapping[str, Mapping[str, Any]] | None) -> Iterator[str]:
    yield "<h2>Signals</h2>"
    if not signals:
        yield "<p>Not compared: there are too few complaints.</p>"
        return
    yield "<p>The distance from the held-out complaints. In the grey band it is no more than chance.</p>"
    # All bands are drawn as wide: it matters how a signal compares with its own.
    most = max(1.5, *(_ratio(each) for each in signals.values()))
    most = min(most * 1.05, 10)

    def x(ratio: float) -> float:
        return _LEFT + min(ratio, most) / most * (_WIDTH - _LEFT - 20)

    marks = [part for at in (0, 1) for part in _tick(x(at), ("0", "threshold")[at], len(signals))]
    for number, (name, each) in enumerate(signals.items()):
        y, kind = number * _ROW + _ROW / 2, "moved" if each["moved"] else "mark"
        told = f"{each['value']:.4f}, threshold {each['threshold']:.4f}"
        marks += [
            f'<rect class="null" x="{x(0):.1f}" y="{y - 8:.1f}" width="{x(1) - x(0):.1f}" height="16"/>',
            f'<text x="0" y="{y + 4:.1f}">{escape(_SIGNALS.get(name, name))}</text>',
            f'<circle class="{kind}" cx="{x(_ratio(each)):.1f}" cy="{y:.1f}" r="4"><title>{told}</title></circle>',
        ]
    yield _svg(_ROW * (len(signals) + 1), marks)
    rows = [
        [_SIGNALS.get(name, name), f"{each['value']:.4f}", f"{each['threshold']:.4f}", "yes" if each["moved"] else "no"]
        for name, each in signals.items()
    ]
    yield _table(["", "distance", "threshold", "beyond chance"], rows)


def _ratio(signal: Mapping[str, Any]) -> float:
    return float(signal["value"]) / max(float(signal["threshold"]), 1e-9)


def _counts(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        total = sum(counts.values())
        yield f"<h2>{title}</h2>"
        rows = [[name, f"{count:,}", f"{count / total:.1%}"] for name, count in counts.items()]
        yield _table(["", "complaints", "share"], rows)


def _tick(x: float, name: str, rows: int) -> tuple[str, str]:
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_ROW * rows}"/>',
        f'<text x="{x:.1f}" y="{_ROW * (rows + 1) - 6}" text-anchor="middle">{escape(name)}</text>',
    )


def _svg(height: float, marks: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img">{"".join(marks)}</svg>'


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(each)}</td>' for each in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _bounds(each: Mapping[str, float]) -> tuple[float, float, float]:
    return each["estimate"], each["low"], each["high"]


def _share(value: float) -> str:
    return f"{value:.1%}"
