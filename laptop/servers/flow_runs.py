"""Follows a run to its end and says what happens: which task, for how long, and what its job last said."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from laptop.servers.aws_jobs import AwsJobs
from laptop.servers.orchestrator import ENDED, Orchestrator

_HEARTBEAT_SECONDS = 10


class RunFailedError(RuntimeError):
    """A flow did not succeed; the message names the task and how its log ends."""


class Progress:
    """Lines with the seconds since the start before them."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        """One line."""
        self._write(f"[{self.seconds():5.0f} s] {text}")


def follow(orchestrator: Orchestrator, jobs: AwsJobs, dag_id: str, run_id: str, progress: Progress) -> dict[str, Any]:
    """Returns the flow as it stands in the summary, once the run has succeeded.

    Raises:
        RunFailedError: the run failed.
        ServerError: the orchestrator died.
    """
    told: dict[tuple[str, int], str] = {}
    last_line = time.monotonic()
    while True:
        orchestrator.check()
        state = orchestrator.state(dag_id, run_id)
        tasks = orchestrator.tasks(dag_id, run_id)
        for line in _changes(tasks, told):
            progress.say(f"{dag_id}: {line}")
            last_line = time.monotonic()
        if state in ENDED:
            break
        if time.monotonic() - last_line > _HEARTBEAT_SECONDS:
            for task in tasks:
                if task["state"] in ("running", "deferred") and task["start_date"]:
                    progress.say(f"{dag_id}: {_standing(task, jobs)}")
            last_line = time.monotonic()
        time.sleep(1)
    if state != "success":
        raise RunFailedError(_failure(orchestrator, jobs, dag_id, run_id, tasks))
    return flow(dag_id, run_id, state, tasks, jobs)


def _changes(tasks: list[dict[str, Any]], told: dict[tuple[str, int], str]) -> list[str]:
    """What has become of each task since the last look: started, tried again, ended."""
    lines = []
    for task in sorted(tasks, key=lambda each: each["start_date"] or "9"):
        key, state = (task["task_id"], task["try_number"]), task["state"]
        stage = "ended" if state in (*ENDED, "up_for_retry") else "started" if task["start_date"] else ""
        if not stage or told.get(key) == stage:
            continue
        told[key] = stage
        if stage == "ended":
            seconds = f" after {_span(task):.1f} s" if task["end_date"] and task["start_date"] else ""
            lines.append(f"{task['task_id']}: {state}{seconds}")
        else:
            lines.append(f"{task['task_id']} starts" + (f", try {task['try_number']}" * (task["try_number"] > 1)))
    return lines


def _standing(task: dict[str, Any], jobs: AwsJobs) -> str:
    """How long a task has been at it, and what its job said last: jobs print the rows that they have done."""
    since = (datetime.now(UTC) - _time(task["start_date"])).total_seconds()
    line = jobs.last_log_line(task["task_id"])
    return f"{task['task_id']} has run for {since:.0f} s" + (f": {line[:120]}" if line else "")


def _failure(orchestrator: Orchestrator, jobs: AwsJobs, dag_id: str, run_id: str, tasks: list[dict[str, Any]]) -> str:
    failed = [task for task in tasks if task["state"] == "failed"]
    if not failed:
        return f"{dag_id} failed, but no task did: {' '.join(orchestrator.log(dag_id, run_id, '', 0))}"
    task = failed[0]
    log = orchestrator.log(dag_id, run_id, task["task_id"], task["try_number"])
    ending = "\n".join(f"    {line}" for line in log[-12:])
    cause = jobs.failure(task["task_id"])
    where = f"{dag_id} failed at {task['task_id']} (try {task['try_number']})"
    return f"{where}{cause and f': {cause}'}\n  its log ends:\n{ending}"


def flow(dag_id: str, run_id: str, state: str, tasks: list[dict[str, Any]], jobs: AwsJobs) -> dict[str, Any]:
    """A run as the summary shows it: its steps in the order they began, with the seconds of their jobs."""
    ordered = sorted((task for task in tasks if task["start_date"]), key=lambda task: task["start_date"])
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
    first, last = ordered[0]["start_date"], max(task["end_date"] for task in ordered)
    total = (_time(last) - _time(first)).total_seconds()
    return {"dag_id": dag_id, "run_id": run_id, "state": state, "seconds": round(total, 1), "steps": steps}


def _span(task: dict[str, Any]) -> float:
    """Seconds from start to end, the wait in the triggerer included, which Airflow's `duration` leaves out."""
    return (_time(task["end_date"]) - _time(task["start_date"])).total_seconds()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
