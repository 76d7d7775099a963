"""Step Functions: moto's interpreter, replaced where it fails, and the operations on executions taken over from it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from localaws.server.cloud import ACCOUNT, Cloud
from localaws.server.paging import page
from localaws.server.protocol import ApiError, Handler, Json
from localaws.stepfunctions.clients import Clients, iso, milliseconds
from localaws.stepfunctions.execution_events import Statuses
from localaws.stepfunctions.jobs import JobTask

HISTORY_PER_PAGE = 1_000
START_SECONDS = 5.0


class StateMachines:
    """Every execution since the server started.

    `publish` gets the event of each status change; `has_ended` waits for jobs, as `JobTask` needs it.
    """

    def __init__(self, cloud: Cloud, publish: Callable[[Json], None], has_ended: Callable[[str, float], bool]) -> None:
        self._cloud = cloud
        self._has_ended = has_ended
        self.statuses = Statuses(publish)
        self._starting = Lock()
        # AWS returns timestamps in milliseconds from optimised integrations, and as text from aws-sdk.
        self.task_clients = Clients(cloud, milliseconds)
        self.sdk_clients = Clients(cloud, iso)

    @property
    def operations(self) -> Mapping[str, Handler]:
        """The operations that are taken over from moto."""
        return {
            "StartExecution": self.start_execution,
            "DescribeExecution": self.describe_execution,
            "GetExecutionHistory": self.get_execution_history,
            "StopExecution": self.stop_execution,
        }

    def start_execution(self, request: Json) -> Json:
        """Start an execution, or return the running one with the same name and input."""
        given = request.get("input", "{}")
        try:
            json.loads(given)
        except ValueError as error:
            raise ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None
        # moto names every unnamed execution None, so that the second one "already exists".
        name = request.get("name") or str(uuid.uuid4())
        # moto looks up the name and adds it in two steps: two concurrent calls would start two executions.
        with self._starting:
            execution = self._call(self._backend.start_execution, request["stateMachineArn"], name, given)
        return {"executionArn": execution.execution_arn, "startDate": execution.start_date}

    def describe_execution(self, request: Json) -> Json:
        """An execution. moto's own answer fails for timestamps in the output, and does not quote strings."""
        execution = self._find(request["executionArn"])
        described: Json = execution.to_describe_output()
        return described

    def get_execution_history(self, request: Json) -> Json:
        """The history, page by page; moto returns all of it at once."""
        events = _history(self._find(request["executionArn"]))
        if request.get("reverseOrder"):
            events = events[::-1]
        # 0 means the default.
        size = request.get("maxResults") or HISTORY_PER_PAGE
        chosen, token = page(events, size, request.get("nextToken"), "InvalidToken")
        return {"events": chosen, "nextToken": token}

    def stop_execution(self, request: Json) -> Json:
        """Abort an execution and the job that it waits for. If it has ended, return its date only."""
        execution = self._find(request["executionArn"])
        self._abort(execution, request.get("error"), request.get("cause"))
        return {"stopDate": execution.stop_date or datetime.now(UTC)}

    def close(self) -> None:
        """Abort every execution."""
        for machine in self._backend.state_machines:
            for execution in machine.executions:
                self._abort(execution, None, "local AWS is shutting down")
        self.task_clients.close()
        self.sdk_clients.close()

    def task_service(self, name: str) -> Any:
        """The Task states of a service that moto's interpreter cannot call; None for all others."""
        return JobTask(self.task_clients, self._has_ended) if name in ("glue", "sagemaker") else None

    @property
    def _backend(self) -> Any:
        return stepfunctions_parser_backends[ACCOUNT][self._cloud.region]

    def _find(self, arn: str) -> Any:
        return self._call(self._backend.describe_execution, arn)

    def _abort(self, execution: Any, error: str | None, cause: str | None) -> None:
        if execution.exec_status == ExecutionStatus.RUNNING:
            _await_environment(execution)
            self.statuses.abort(execution, error, cause)

    def _call(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return operation(*arguments)
        except JsonRESTError as error:
            raise ApiError(error.error_type, error.message) from None


def _await_environment(execution: Any) -> None:
    """Waits for the interpreter: moto fails for an execution without one, or does not stop it."""
    deadline = time.monotonic() + START_SECONDS
    while not _runs(execution.exec_worker.env) and time.monotonic() < deadline:
        time.sleep(0.01)


def _runs(env: Any) -> bool:
    return env is not None and env.program_state() is not None


def _history(execution: Any) -> list[Json]:
    _await_environment(execution)
    return list(execution.to_history_output()["events"])
