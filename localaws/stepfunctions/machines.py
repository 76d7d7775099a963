"""Step Functions: moto's interpreter, replaced where it fails, and the operations on executions taken over from it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any

from botocore import xform_name
from moto.core.config import default_user_config
from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from localaws.moto_patches.patch import replaced, replaced_item
from localaws.server.cloud import ACCOUNT, Cloud
from localaws.server.paging import page
from localaws.server.protocol import ApiError, Handler, Json, operation
from localaws.stepfunctions import intrinsics
from localaws.stepfunctions.clients import Clients, iso, milliseconds, text
from localaws.stepfunctions.execution_events import Statuses
from localaws.stepfunctions.jobs import JobTask

INTERPRETER = "moto.stepfunctions"
HISTORY_PER_PAGE = 1_000
START_SECONDS = 5.0


class StateMachines:
    """Every execution since the server started. `tell` gets the events of their status changes."""

    def __init__(self, cloud: Cloud, tell: Callable[[Json], None]) -> None:
        self._cloud = cloud
        self._statuses = Statuses(tell)
        self._starting = Lock()
        # AWS gives timestamps of its optimised integrations in milliseconds, those of aws-sdk as text.
        self._clients = Clients(cloud, milliseconds)
        self._sdk_clients = Clients(cloud, iso)

    @property
    def operations(self) -> Mapping[str, Handler]:
        """What is taken over from moto."""
        return {
            "StartExecution": self.start_execution,
            "DescribeExecution": self.describe_execution,
            "GetExecutionHistory": self.get_execution_history,
            "StopExecution": self.stop_execution,
        }

    def start_execution(self, request: Json) -> Json:
        """Start an execution, or find the running one of the same name and input."""
        given = request.get("input", "{}")
        try:
            json.loads(given)
        except ValueError as error:
            raise ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None
        # moto calls every nameless execution None, so that the second one "already exists".
        name = request.get("name") or str(uuid.uuid4())
        # moto looks for the name and adds it in two steps: two callers at once would start two executions.
        with self._starting:
            execution = self._asked(self._backend.start_execution, request["stateMachineArn"], name, given)
        return {"executionArn": execution.execution_arn, "startDate": execution.start_date}

    def describe_execution(self, request: Json) -> Json:
        """An execution. moto's own answer fails on timestamps in the output, and leaves strings unquoted."""
        execution = self._find(request["executionArn"])
        described: Json = execution.to_describe_output()
        return described

    def get_execution_history(self, request: Json) -> Json:
        """What happened, page by page; moto gives everything at once."""
        events = _history(self._find(request["executionArn"]))
        if request.get("reverseOrder"):
            events = events[::-1]
        # 0 means the default.
        size = request.get("maxResults") or HISTORY_PER_PAGE
        chosen, token = page(events, size, request.get("nextToken"), "InvalidToken")
        return {"events": chosen, "nextToken": token}

    def stop_execution(self, request: Json) -> Json:
        """Abort an execution, and the job that it waits for; of one that has ended, only the date."""
        execution = self._find(request["executionArn"])
        self._abort(execution, request.get("error"), request.get("cause"))
        return {"stopDate": execution.stop_date or datetime.now(UTC)}

    def close(self) -> None:
        """Abort every execution."""
        for machine in self._backend.state_machines:
            for execution in machine.executions:
                self._abort(execution, None, "local AWS is being stopped")
        self._clients.close()
        self._sdk_clients.close()

    @contextmanager
    def mends(self) -> Iterator[None]:
        """moto's interpreter, made to work for as long as the block lasts."""
        with ExitStack() as stack:
            stack.enter_context(intrinsics.mends())
            stack.enter_context(self._statuses.mends())
            mend = partial(_mend, stack)
            # moto answers SUCCEEDED without running anything unless told to.
            settings = {"execute_state_machine": True}
            stack.enter_context(replaced_item(default_user_config, "stepfunctions", settings))
            # moto has no sagemaker integrations at all; its glue .sync calls None.interrupt_all() at the end.
            known = state_task_service_factory.state_task_service_for
            for module in _importers("state_task_service_for"):
                mend(module, "state_task_service_for", partial(_task_for, known, self._clients))
            # moto makes a client per call, from the shell's profile and proxies, for localhost:$MOTO_PORT; the
            # datetimes of its results cannot be written as JSON later on.
            for module in _importers("boto_client_for"):
                clients = self._sdk_clients if module is state_task_service_aws_sdk else self._clients
                mend(module, "boto_client_for", clients)
            # moto has emptied these two, so that StateMachineArn never becomes stateMachineArn.
            mend(StateTaskServiceSfn, "_normalise_parameters", _as_boto_says)
            mend(StateTaskServiceSfn, "_normalise_response", _as_states_says)
            # moto refuses names such as States.TaskFailed where Parallel or Fail pass on what went wrong.
            mend(CustomErrorName, "__init__", ErrorName.__init__)
            # moto lets the error of a state that was interrupted turn ABORTED or TIMED_OUT into FAILED.
            mend(Environment, "set_error", _if_running(Environment.set_error))
            # moto gives a datetime as $$.Execution.StartTime, which AWS gives as text.
            mend(Execution, "get_start_execution_details", _started_as_text(Execution.get_start_execution_details))
            yield

    @property
    def _backend(self) -> Any:
        return stepfunctions_parser_backends[ACCOUNT][self._cloud.region]

    def _find(self, arn: str) -> Any:
        return self._asked(self._backend.describe_execution, arn)

    def _abort(self, execution: Any, error: str | None, cause: str | None) -> None:
        if execution.exec_status == ExecutionStatus.RUNNING:
            _await_environment(execution)
            self._statuses.abort(execution, error, cause)

    def _asked(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return ask(*arguments)
        except JsonRESTError as error:
            raise ApiError(error.error_type, error.message) from None


def _mend(stack: ExitStack, owner: Any, name: str, replacement: Any) -> None:
    stack.enter_context(replaced(owner, name, replacement))


def _importers(name: str) -> list[Any]:
    """The interpreter's modules that have imported a function by its name."""
    loaded = [module for path, module in list(sys.modules.items()) if path.startswith(INTERPRETER)]
    return [module for module in loaded if name in vars(module)]


def _task_for(known: Callable[[str], Any], clients: Clients, service_name: str) -> Any:
    return JobTask(clients) if service_name in ("glue", "sagemaker") else known(service_name)


def _as_boto_says(task: Any, parameters: Json, *_: Any, **__: Any) -> None:
    name = task.resource.api_action[0].upper() + task.resource.api_action[1:]
    if name == "StartExecution" and not isinstance(parameters.get("Input"), str):
        parameters["Input"] = to_json_str(parameters.get("Input") or {})
    task._to_boto_request(parameters, operation("stepfunctions", name).input_shape)


def _as_states_says(task: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None) -> None:  # noqa: ARG001
    wanted = service_action_name or xform_name(task.resource.api_action)
    name = "".join(part.title() for part in wanted.split("_"))
    task._from_boto_response(response, operation("stepfunctions", name).output_shape)


def _if_running(set_error: Callable[..., None]) -> Callable[..., None]:
    def guarded(env: Any, error: Any) -> None:
        if env.is_running():
            set_error(env, error=error)

    return guarded


def _started_as_text(details_of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def details(execution: Any) -> Any:
        told = details_of(execution)
        told.start_time = text(told.start_time)
        return told

    return details


def _await_environment(execution: Any) -> None:
    """moto fails for an execution whose thread has not come that far, or does not stop it."""
    deadline = time.monotonic() + START_SECONDS
    while not _runs(execution.exec_worker.env) and time.monotonic() < deadline:
        time.sleep(0.01)


def _runs(env: Any) -> bool:
    return env is not None and env.program_state() is not None


def _history(execution: Any) -> list[Json]:
    _await_environment(execution)
    return list(execution.to_history_output()["events"])
