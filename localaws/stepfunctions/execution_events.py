"""Step Functions Execution Status Change: one event for each status of an execution.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, StateMachineType
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped

from localaws.events.bus import service_event
from localaws.server.protocol import Json

KIND = "Step Functions Execution Status Change"
REDRIVABLE = frozenset({ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED})


class Statuses:
    """Changes the status of executions, and passes the event of each change to `publish`."""

    def __init__(self, publish: Callable[[Json], None]) -> None:
        self._publish = publish
        # An execution can be stopped at the moment at which it ends.
        self._ending = Lock()

    def abort(self, execution: Any, error: str | None, cause: str | None) -> None:
        """Stop a running execution."""
        with self._ending:
            if execution.exec_status != ExecutionStatus.RUNNING:
                return
            execution.stop(datetime.now(UTC), error, cause)
            if not isinstance(execution.exec_worker.env.program_state(), ProgramStopped):
                return
            # The interpreter stops only after a Retry's pause; AWS reports it at once. moto drops error and cause.
            execution.exec_status = ExecutionStatus.ABORTED
            execution.stop_date = datetime.now(UTC)
            execution.error, execution.cause = error, cause
            self._changed(execution, ExecutionStatus.ABORTED)

    def started(self, execution: Any, start: Callable[[], None]) -> None:
        """Publish that an execution runs, and start it."""
        # Before the start: a short execution can end before `start` returns.
        self._changed(execution, ExecutionStatus.RUNNING)
        start()

    def ended(self, execution: Any, reflect: Callable[[], None]) -> None:
        """Store and publish the interpreter's outcome, unless the execution was aborted."""
        with self._ending:
            if execution.exec_status == ExecutionStatus.RUNNING:
                reflect()
                if execution.exec_status == ExecutionStatus.TIMED_OUT:
                    execution.error = "States.Timeout"
                self._changed(execution, execution.exec_status)

    def _changed(self, execution: Any, status: ExecutionStatus) -> None:
        # Express workflows have no events.
        if execution.sm_type != StateMachineType.EXPRESS:
            arn = execution.exec_arn
            self._publish(service_event("aws.states", KIND, execution.region_name, arn, _detail(execution, status)))


def _detail(execution: Any, status: ExecutionStatus) -> Json:
    described = execution.to_describe_output()
    stop = described["stopDate"]
    redrivable = status in REDRIVABLE
    return {
        "executionArn": described["executionArn"],
        "stateMachineArn": described["stateMachineArn"],
        "name": described["name"],
        "status": status.value,
        "startDate": _milliseconds(described["startDate"]),
        "stopDate": _milliseconds(stop) if stop else None,
        "input": described["input"],
        "output": described.get("output"),
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
        "redriveStatusReason": None if redrivable else f"Execution is {status.value} and cannot be redriven",
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if "output" in described else None,
        "error": described.get("error"),
        "cause": described.get("cause"),
    }


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
