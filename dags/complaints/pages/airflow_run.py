"""A run of Airflow: what came of it in one line, where its results are, and how long each step took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from complaints.pages import monitoring, window
from complaints.pages.documents import Documents
from complaints.pages.figures import bar
from complaints.pages.formatting import NOT_KNOWN
from complaints.pages.frame import Frame, document
from complaints.pages.markup import DRAWN, Markup, section, table, tag
from complaints.pages.outcome import outcome
from complaints.runs.publishing import manifest_key

_BAD = {"failed", "upstream_failed"}


@dataclass(frozen=True)
class Step:
    """A task of the run; `seconds` of its last attempt, None if it never ran."""

    task_id: str
    state: str
    seconds: float | None
    tries: int


@dataclass(frozen=True)
class AirflowRun:
    """A run as Airflow's database has it, and the names that its tasks gave: a run id, a version; empty where none."""

    dag_id: str
    dag_run_id: str
    state: str
    steps: Sequence[Step]
    run_id: str = ""
    version: str = ""


def read(documents: Documents, run: AirflowRun) -> tuple[Mapping[str, Any] | None, window.Monitored | None]:
    """The manifest that the run published, if it did, and its monitoring."""
    manifest = documents.at(manifest_key(run.run_id)) if run.run_id else None
    if not isinstance(manifest, Mapping):
        return None, None
    return manifest, monitoring.of_run(documents, run.run_id)


def render(
    run: AirflowRun, manifest: Mapping[str, Any] | None, monitored: window.Monitored | None, frame: Frame
) -> str:
    """The page."""
    say = frame.say
    longest = max((step.seconds or 0 for step in run.steps), default=0)
    head = (say("step"), DRAWN, say("duration"), say("state"), say("tries"))
    steps = table(head, ([*_cells(step, longest, frame)] for step in run.steps), class_="steps")
    return document(
        frame,
        run.dag_id,
        tag(
            "p",
            tag("code", run.dag_run_id),
            " · ",
            tag("span", say(run.state), class_=_colour(run.state)),
            class_="note",
        ),
        *_outcome(run, manifest, monitored, frame),
        section(say("Steps"), steps) if run.steps else None,
        place="runs",
    )


def _outcome(
    run: AirflowRun, manifest: Mapping[str, Any] | None, monitored: window.Monitored | None, frame: Frame
) -> Iterator[Markup]:
    say = frame.say
    if manifest:
        told = outcome(manifest, monitored.estimate if monitored else None, say)
        yield tag("p", told, class_="lead")
        yield tag("p", frame.link(f"runs/{run.run_id}", say("Results of this run")))
    elif run.version:
        yield tag("p", say("This run has made {version}.", version=run.version), class_="lead")
        yield tag("p", frame.link(f"models/{run.version}", say("Model {version}", version=run.version)))
    elif failed := [step.task_id for step in run.steps if step.state == "failed"]:
        yield tag("p", say("It failed at {tasks} and has published nothing.", tasks=", ".join(failed)), class_="lead")
    elif run.state == "success":
        yield tag("p", say("This run has published no results."), class_="lead")
    else:
        yield tag("p", say("This run has published nothing yet."), class_="lead")


def _cells(step: Step, longest: float, frame: Frame) -> Iterator[object]:
    say = frame.say
    yield step.task_id
    yield tag("td", bar(step.seconds or 0, longest), class_="drawn")
    yield say.seconds(step.seconds)
    yield tag("span", say(step.state), class_=_colour(step.state)) if step.state else NOT_KNOWN
    yield step.tries


def _colour(state: str) -> str | None:
    return "bad" if state in _BAD else "good" if state == "success" else None
