"""Step Functions as an orchestrator: executions of the compiled state machines on local AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from laptop.aws import Aws

_STATES = {"RUNNING": "running", "SUCCEEDED": "success"}
_ENTERED, _EXITED = "TaskStateEntered", "TaskStateExited"


class StepFunctions:
    """Starts executions and reads their histories; the machines' ARNs are known by the flow's name."""

    name = "stepfunctions"

    def __init__(self, aws: Aws, machines: Mapping[str, str]) -> None:
        self._aws = aws
        self.address = aws.endpoint
        self._client = aws.client("stepfunctions")
        self._machines = machines
        self._number = count(1)

    def check(self) -> None:
        """Raises ServerError if local AWS has died."""
        self._aws.server.check()

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Starts an execution with `conf` as its input; returns its ARN."""
        started = self._client.start_execution(
            stateMachineArn=self._machines[dag_id],
            name=f"{dag_id.replace('_', '-')}-{next(self._number)}",
            input=json.dumps(dict(conf)),
        )
        arn: str = started["executionArn"]
        return arn

    def state(self, _dag_id: str, run_id: str) -> str:
        """The execution's state, in Airflow's words."""
        status = self._client.describe_execution(executionArn=run_id)["status"]
        return _STATES.get(status, "failed")

    def tasks(self, _dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The Task states that were entered, in order; a state that was entered and not left has failed, or runs."""
        tasks: dict[str, dict[str, Any]] = {}
        running = self.state("", run_id) == "running"
        for event in self._history(run_id):
            if event["type"] == _ENTERED:
                name = event["stateEnteredEventDetails"]["name"]
                tasks[name] = _task(name, event["timestamp"], "running" if running else "failed")
            elif event["type"] == _EXITED:
                name = event["stateExitedEventDetails"]["name"]
                tasks[name] |= {"state": "success", "end_date": event["timestamp"].isoformat()}
            elif event["type"] == "ExecutionFailed":
                for task in tasks.values():
                    task["end_date"] = task["end_date"] or event["timestamp"].isoformat()
        return list(tasks.values())

    def log(self, _dag_id: str, run_id: str, _task_id: str, _attempt: int) -> list[str]:
        """The error that ended the execution, and its cause: a state has no log of its own."""
        described = self._client.describe_execution(executionArn=run_id)
        return [str(described.get("error", "")), *str(described.get("cause", "")).splitlines()]

    def _history(self, run_id: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=run_id)
        return [event for page in pages for event in page["events"]]


def _task(name: str, started: Any, state: str) -> dict[str, Any]:
    return {"task_id": name, "state": state, "start_date": started.isoformat(), "end_date": None, "try_number": 1}
