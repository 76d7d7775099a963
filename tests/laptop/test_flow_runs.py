"""A run that failed is explained in one sentence first, by Airflow's log or by the execution's error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from laptop.servers.flow_runs import RunFailedError, flow, follow, why_failed
from laptop.servers.orchestrator import Raised

JOB = '{"JobName": "ptmlops-prepare-history", "Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "ValueError: no"}'
CAUSE = "the Glue job ptmlops-prepare-history ended as FAILED: ValueError: no"


class Ended:
    """A run of an orchestrator that has ended."""

    name, address = "airflow", "http://127.0.0.1:8080"

    def __init__(self, raised: Raised | None, *tasks: tuple[str, str]) -> None:
        self._raised = raised
        self._tasks = tasks

    def check(self) -> None:
        """It lives."""

    def trigger(self, _dag_id: str, _conf: Mapping[str, Any]) -> str:
        return "run"

    def state(self, _dag_id: str, _run_id: str) -> str:
        return "failed"

    def tasks(self, _dag_id: str, _run_id: str) -> list[dict[str, Any]]:
        times = {"start_date": "2026-01-01T00:00:00+00:00", "end_date": "2026-01-01T00:00:01+00:00"}
        return [{"task_id": name, "state": state, "try_number": 1, **times} for name, state in self._tasks]

    def log(self, _dag_id: str, _run_id: str, _task_id: str, _attempt: int) -> list[str]:
        return ["first", "a line that was its last"]

    def raised(self, _dag_id: str, _run_id: str, _task_id: str, _attempt: int) -> Raised | None:
        return self._raised

    def log_place(self, _dag_id: str, _run_id: str, task_id: str, _attempt: int) -> str:
        return str(Path("logs") / task_id)


def message(run: Ended) -> list[str]:
    with pytest.raises(RunFailedError) as failed:
        follow(run, jobs=None, dag_id="complaints_training", run_id="run", report=lambda _: None)  # type: ignore[arg-type]
    return str(failed.value).splitlines()


@pytest.mark.parametrize("raised", [Raised("AirflowFailException", CAUSE), Raised("States.TaskFailed", JOB)])
def test_the_first_line_is_the_cause_in_the_words_of_the_alert(raised: Raised) -> None:
    run = Ended(raised, ("plan_training", "success"), ("prepare_history", "failed"))
    assert message(run) == [
        f"complaints_training failed at prepare_history: {CAUSE}",
        "",
        "  Log: logs/prepare_history",
    ]


def test_a_task_that_was_killed_shows_the_end_of_its_log() -> None:
    lines = message(Ended(None, ("prepare_history", "failed")))
    assert lines[0].endswith("failed at prepare_history: its process ended without an error; was it killed?")
    assert lines[-1].strip() == "a line that was its last"


def test_a_run_that_failed_without_a_task_names_the_setting() -> None:
    why = why_failed(Ended(None, ("a", "success")), "complaints_training", "run")
    assert "orchestration.max_run_hours" in why.sentence


def test_a_run_that_was_given_up_with_its_tasks_takes_the_time_that_is_known() -> None:
    begun = {"task_id": "a", "state": "skipped", "try_number": 1, "start_date": "2026-01-01T00:00:00+00:00"}
    jobs: Any = SimpleNamespace(seconds=lambda _task_id: None)
    found = flow("complaints_training", "run", "failed", [{**begun, "end_date": None}], jobs)
    assert (found["seconds"], [step["seconds"] for step in found["steps"]]) == (0.0, [0.0])
    assert flow("complaints_training", "run", "failed", [], jobs)["seconds"] == 0.0


def test_a_task_behind_a_branch_that_was_not_taken_is_no_step() -> None:
    now = "2026-01-01T00:00:00+00:00"
    ran = {"task_id": "a", "state": "success", "try_number": 1, "start_date": now, "end_date": now}
    jobs: Any = SimpleNamespace(seconds=lambda _task_id: None)
    found = flow(
        "complaints_classification", "run", "success", [ran, {**ran, "task_id": "b", "state": "skipped"}], jobs
    )
    assert [step["task_id"] for step in found["steps"]] == ["a"]
