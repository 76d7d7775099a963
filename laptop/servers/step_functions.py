"""Step Functions as an orchestrator: executions of the compiled state machines on local AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from complaints.arrivals.events import BATCH_MARKER
from complaints.settings import PipelineSettings
from laptop.servers.aws import Aws
from laptop.servers.orchestrator import Raised
from laptop.servers.processes import ServerError
from stepfunctions.handlers.starter import STARTER_FUNCTION

_STATES = {"RUNNING": "running", "SUCCEEDED": "success"}
_START_SECONDS = 180
_ENTERED, _EXITED = "TaskStateEntered", "TaskStateExited"
_START = " starts"


class StepFunctions:
    """Starts executions and reads their histories; `machines` maps a flow's name to its state machine's ARN."""

    name = "stepfunctions"

    def __init__(self, aws: Aws, machines: Mapping[str, str], settings: PipelineSettings) -> None:
        self._aws = aws
        self.address = aws.endpoint
        self._client = aws.client("stepfunctions")
        self.machines = machines
        self._storage = settings.storage
        self._number = count(1)

    def check(self) -> None:
        """Raises ServerError if local AWS has died."""
        self._aws.server.check()

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Starts an execution with `conf` as its input; returns its ARN.

        A batch is completed instead, with its marker object: as on AWS, the event of that object starts the execution.

        Raises:
            ServerError: the event started no execution within a minute.
        """
        if str(conf.get("source", "")).startswith(self._storage.batches):
            return self._complete(dag_id, str(conf["source"]))
        started = self._client.start_execution(
            stateMachineArn=self.machines[dag_id],
            name=f"{dag_id.replace('_', '-')}-{next(self._number)}",
            input=json.dumps(dict(conf)),
        )
        arn: str = started["executionArn"]
        return arn

    def _complete(self, dag_id: str, batch: str) -> str:
        before = self._executions(dag_id)
        marker = f"{batch}{BATCH_MARKER}"
        self._aws.client("s3").put_object(Bucket=self._storage.bucket, Key=marker, Body=b"")
        log = f"the starter's log is in the log group /aws/lambda/{STARTER_FUNCTION}"
        return self._new_execution(dag_id, before, f"{marker} started no execution of {dag_id}", log)

    def started(self, dag_id: str) -> str:
        """The execution that the event of an object has started.

        Raises:
            ServerError: there is none within three minutes.
        """
        log = f"the log of local AWS is {self._aws.server.log}"
        return self._new_execution(dag_id, set(), f"no event started an execution of {dag_id}", log)

    def _new_execution(self, dag_id: str, before: set[str], otherwise: str, log: str) -> str:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            if started := self._executions(dag_id) - before:
                return started.pop()
            time.sleep(0.2)
        raise ServerError(f"{otherwise} within {_START_SECONDS} s; {log}")

    def _executions(self, dag_id: str) -> set[str]:
        pages = self._client.get_paginator("list_executions").paginate(stateMachineArn=self.machines[dag_id])
        return {each["executionArn"] for page in pages for each in page["executions"]}

    def state(self, _dag_id: str, run_id: str) -> str:
        """The execution's state, as Airflow names it."""
        status = self._client.describe_execution(executionArn=run_id)["status"]
        return _STATES.get(status, "failed")

    def tasks(self, _dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The tasks whose states were entered, in order; one that was not exited is running, or has failed."""
        # The state first: the history of an execution that ends in between would lack the end of its last task.
        is_running = self.state("", run_id) == "running"
        return tasks_of(self._history(run_id), is_running=is_running)

    def log(self, _dag_id: str, run_id: str, _task_id: str, _attempt: int) -> list[str]:
        """The execution's error and cause, since a state has no log."""
        raised = self.raised("", run_id, "", 0)
        return [raised.error, *raised.cause.splitlines()]

    def raised(self, _dag_id: str, run_id: str, _task_id: str, _attempt: int) -> Raised:
        """The execution's error and cause."""
        described = self._client.describe_execution(executionArn=run_id)
        status = described["status"]
        return Raised(str(described.get("error") or f"States.{status}"), str(described.get("cause") or ""))

    def log_place(self, _dag_id: str, _run_id: str, _task_id: str, _attempt: int) -> str:
        """The folder with the logs of all jobs, since a state has no log."""
        return str(self._aws.jobs)

    def _history(self, run_id: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=run_id)
        return [event for page in pages for event in page["events"]]


def tasks_of(history: Iterable[Mapping[str, Any]], *, is_running: bool) -> list[dict[str, Any]]:
    """The tasks in the history of an execution, in order, without the states that call failure callbacks."""
    tasks: dict[str, dict[str, Any]] = {}
    for event in history:
        if event["type"] == _ENTERED and not _has_error(event["stateEnteredEventDetails"].get("input")):
            # A task with a job has two states: one looks for the job, the other starts it.
            name = event["stateEnteredEventDetails"]["name"].removesuffix(_START)
            tasks.setdefault(name, _task(name, event["timestamp"], "running" if is_running else "failed"))
        elif event["type"] == _EXITED and not _only_looked(event["stateExitedEventDetails"]):
            name = event["stateExitedEventDetails"]["name"].removesuffix(_START)
            if name in tasks:
                state = "failed" if _has_error(event["stateExitedEventDetails"].get("output")) else "success"
                tasks[name] |= {"state": state, "end_date": event["timestamp"].isoformat()}
        elif event["type"] == "ExecutionFailed":
            for task in tasks.values():
                task["end_date"] = task["end_date"] or event["timestamp"].isoformat()
    return list(tasks.values())


def _has_error(data: str | None) -> bool:
    """True for the data behind a Catch, which adds the error (`stepfunctions.compiler.retries.catch`)."""
    return "error" in json.loads(data or "{}")


def _only_looked(exited: Mapping[str, Any]) -> bool:
    """True if the state that was exited looked for a job and found none, or one that is still running."""
    found = json.loads(exited["output"]).get(exited["name"])
    return isinstance(found, dict) and found.get("state") in ("absent", "running")


def _task(name: str, started: Any, state: str) -> dict[str, Any]:
    return {"task_id": name, "state": state, "start_date": started.isoformat(), "end_date": None, "try_number": 1}
