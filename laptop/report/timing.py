"""The section on time: the parts of the run, and each step with the time of its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from complaints.pages.figures import Portion, legend, stacked_bar
from complaints.pages.formatting import TIME, count, part, percent, plain, seconds, time_sentence
from complaints.pages.markup import DRAWN, Markup, figure, markup, section, table, tag


def time(summary: Mapping[str, Any]) -> Markup | None:
    """The seconds of the whole run, and of each step of each flow on one scale."""
    split, flows = part(summary, "seconds"), summary.get("flows") or []
    if not split and not flows:
        return None
    longest = max((step["seconds"] or 0 for flow in flows for step in flow.get("steps") or []), default=0)
    return section(
        "Time",
        _split(split) if split else None,
        _meaning() if flows else None,
        *(_flow(flow, longest) for flow in flows),
        lead="Work is the time of the jobs. Orchestration is everything around them: scheduling, polling, waiting.",
    )


def _split(split: Mapping[str, Any]) -> Markup:
    total = split.get("total") or 0.0
    sizes = {name: split.get(name) or 0.0 for name in TIME}
    portions = [Portion(TIME[name], size, TIME[name], seconds(size)) for name, size in sizes.items()]
    return figure(
        f"{seconds(total)} in total",
        stacked_bar(portions, max(total, sum(sizes.values()))),
        legend((f"{p.label} {p.written} ({percent(p.size, total)})", p.colour) for p in portions),
        tag("p", time_sentence(split), class_="note"),
    )


def _meaning() -> Markup:
    return legend(
        (
            ("job", "work"),
            ("orchestration", "orchestration"),
            ("step without a job", "step"),
        )
    )


def _flow(flow: Mapping[str, Any], longest: float) -> Markup:
    steps: Sequence[Mapping[str, Any]] = flow.get("steps") or []
    title = markup(flow["dag_id"], " ", badge(flow.get("state")), " ", tag("small", seconds(flow.get("seconds"))))
    head = ("step", DRAWN, "time", "job", "tries")
    return tag(
        "div",
        tag("h3", title),
        tag("p", tag("code", flow.get("run_id", "")), class_="note"),
        table(head, (_step(step, longest) for step in steps), class_="steps"),
        class_="figure",
    )


def _step(step: Mapping[str, Any], longest: float) -> tuple[object, ...]:
    state, taken, job = step.get("state"), step.get("seconds"), step.get("job_seconds")
    name = markup(step["task_id"], None if state == "success" else markup(" ", badge(state)))
    drawn = stacked_bar(_step_portions(taken or 0.0, job), longest, class_="bar")
    return (name, tag("td", drawn, class_="drawn"), seconds(taken), seconds(job), count(step.get("tries")))


def _step_portions(taken: float, job: float | None) -> list[Portion]:
    if job is None:
        return [Portion("step", taken, "step", seconds(taken))]
    # The clocks of a job and of Airflow differ slightly: a bar is never longer than its step.
    around = max(taken - job, 0.0)
    return [
        Portion("work", min(job, taken), "work", seconds(job)),
        Portion("orchestration", around, "orchestration", seconds(around)),
    ]


def badge(state: object) -> Markup:
    """A state as a coloured label: green for success, red for anything else."""
    text = plain(str(state or "not run"))
    return tag("span", text, class_="badge good" if state == "success" else "badge bad")
