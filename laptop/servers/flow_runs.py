"""A run of a flow, followed to its end: each task's progress, the timing of tasks and jobs, and why it failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from complaints.aws.failures import cause_of
from laptop.servers.aws_jobs import AwsJobs
from laptop.servers.orchestrator import ENDED, Orchestrator, Raised

_HEARTBEAT_SECONDS = 10
_LOG_LINES = 12
# To ask Airflow for all tasks of a run takes a processor for longer than to ask for the state of the run.
_POLL_SECONDS, _TASKS_SECONDS = 0.25, 1.5


class RunFailedError(RuntimeError):
    """A flow failed; the message begins with the task and the cause, in one sentence, and names the log."""


class Failure(NamedTuple):
    """Why a run failed: the task, empty if none failed, and the cause, worded as in the alert."""

    dag_id: str
    task_id: str
    cause: str

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        return f"{self.dag_id} failed{f' at {self.task_id}' if self.task_id else ''}: {self.cause}"


def follow(
    orchestrator: Orchestrator, jobs: AwsJobs, dag_id: str, run_id: str, report: Callable[[str], None]
) -> dict[str, Any]:
    """Waits until the run has succeeded; returns the flow as `summary.json` has it. Each message goes to `report`.

    Raises:
        RunFailedError: the run failed.
        ServerError: the orchestrator died.
    """
    phases: dict[tuple[str, int], str] = {}
    last_message = time.monotonic()
    next_look = 0.0
    while True:
        orchestrator.check()
        state = orchestrator.state(dag_id, run_id)
        if state not in ENDED and time.monotonic() < next_look:
            time.sleep(_POLL_SECONDS)
            continue
        tasks, next_look = orchestrator.tasks(dag_id, run_id), time.monotonic() + _TASKS_SECONDS
        for message in _changes(tasks, phases):
            report(f"{dag_id}: {message}")
            last_message = time.monotonic()
        if state in ENDED:
            break
        if time.monotonic() - last_message > _HEARTBEAT_SECONDS:
            for task in tasks:
                if task["state"] in ("running", "deferred") and task["start_date"]:
                    report(f"{dag_id}: {_heartbeat(task, jobs)}")
            last_message = time.monotonic()
        time.sleep(_POLL_SECONDS)
    if state != "success":
        raise RunFailedError(_failure(orchestrator, dag_id, run_id))
    return flow(dag_id, run_id, state, tasks, jobs)


def _changes(tasks: list[dict[str, Any]], phases: dict[tuple[str, int], str]) -> list[str]:
    """A message for each task that started or ended since the last call; `phases` holds what was reported."""
    messages = []
    for task in sorted(tasks, key=lambda each: each["start_date"] or "9"):
        key, state = (task["task_id"], task["try_number"]), task["state"]
        if _never_began(task):
            continue
        phase = "ended" if state in (*ENDED, "up_for_retry") else "started" if task["start_date"] else ""
        if not phase or phases.get(key) == phase:
            continue
        phases[key] = phase
        if phase == "ended":
            seconds = f" after {_span(task):.1f} s" if task["end_date"] and task["start_date"] else ""
            messages.append(f"{task['task_id']}: {state}{seconds}")
        else:
            messages.append(f"{task['task_id']} started" + (f", try {task['try_number']}" * (task["try_number"] > 1)))
    return messages


def _never_began(task: dict[str, Any]) -> bool:
    """True for a task behind a branch that was not taken: Airflow gives it the same start and end."""
    return bool(task["state"] == "skipped" and task["start_date"] == task["end_date"])


def _heartbeat(task: dict[str, Any], jobs: AwsJobs) -> str:
    """A line with the running time of the task and the last log line of its job, which counts the rows done."""
    since = (datetime.now(UTC) - _time(task["start_date"])).total_seconds()
    line = jobs.last_log_line(task["task_id"])
    return f"{task['task_id']} has been running for {since:.0f} s" + (f": {line[:120]}" if line else "")


def why_failed(orchestrator: Orchestrator, dag_id: str, run_id: str) -> Failure:
    """The failed task of a run, and the cause."""
    task = _failed_task(orchestrator, dag_id, run_id)
    return _why(dag_id, task, _raised(orchestrator, dag_id, run_id, task))


def _failed_task(orchestrator: Orchestrator, dag_id: str, run_id: str) -> dict[str, Any] | None:
    failed = [task for task in orchestrator.tasks(dag_id, run_id) if task["state"] == "failed"]
    return min(failed, key=lambda task: task["end_date"] or "9", default=None)


def _raised(orchestrator: Orchestrator, dag_id: str, run_id: str, task: dict[str, Any] | None) -> Raised | None:
    return orchestrator.raised(dag_id, run_id, *((task["task_id"], task["try_number"]) if task else ("", 0)))


def _why(dag_id: str, task: dict[str, Any] | None, raised: Raised | None) -> Failure:
    if raised:
        cause = cause_of(raised)
    elif task:
        cause = "its process ended without an error; was it killed?"
    else:
        cause = "no task did; the run took longer than orchestration.max_run_hours, or was marked as failed by hand"
    return Failure(dag_id, task["task_id"] if task else "", cause)


def _failure(orchestrator: Orchestrator, dag_id: str, run_id: str) -> str:
    """`why_failed`, and where to read more: the log, the end of which follows where it has no error."""
    task = _failed_task(orchestrator, dag_id, run_id)
    raised = _raised(orchestrator, dag_id, run_id, task)
    sentence = _why(dag_id, task, raised).sentence
    if task is None:
        return sentence
    attempt = dag_id, run_id, task["task_id"], task["try_number"]
    place = f"{sentence}\n\n  Log: {orchestrator.log_place(*attempt)}"
    if raised:
        return place
    return "\n".join([place, *(f"    {line}" for line in orchestrator.log(*attempt)[-_LOG_LINES:])])


def flow(dag_id: str, run_id: str, state: str, tasks: list[dict[str, Any]], jobs: AwsJobs) -> dict[str, Any]:
    """A run as `summary.json` has it: its tasks in the order of their start, with the seconds of their jobs.

    A task that was given up with its run has no end, and takes no time.
    """
    ran = (task for task in tasks if task["start_date"] and not _never_began(task))
    ordered = sorted(ran, key=lambda task: task["start_date"])
    steps = [
        {
            "task_id": task["task_id"],
            "state": task["state"],
            "seconds": round(_span(task), 1),
            "job_seconds": jobs.seconds(task["task_id"]),
            "tries": task["try_number"],
        }
        for task in ordered
    ]
    ends = [_time(task["end_date"] or task["start_date"]) for task in ordered]
    total = (max(ends) - _time(ordered[0]["start_date"])).total_seconds() if ends else 0.0
    return {"dag_id": dag_id, "run_id": run_id, "state": state, "seconds": round(total, 1), "steps": steps}


def _span(task: dict[str, Any]) -> float:
    """Seconds from start to end, including the wait in the triggerer, which Airflow's `duration` leaves out."""
    return (_time(task["end_date"] or task["start_date"]) - _time(task["start_date"])).total_seconds()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
