"""One invocation of a Lambda function, in its own process.

https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import base64
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.jobs.job import InputError, Job, Phase, Work
from localaws.jobs.processes import Command, Processes
from localaws.lambdas.environments import Environments, Init
from localaws.server.cloud import Cloud
from localaws.server.protocol import ApiError, Json

RUNNER = Path(__file__).parents[1] / "container" / "run_function.py"
MAX_LOG_RESULT_BYTES = 4096


@dataclass(frozen=True)
class Reply:
    """The function's result, or (`failed`) the error that it did not handle."""

    payload: bytes
    failed: bool
    log: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of Invoke's answer."""
        tail = base64.b64encode(self.log.encode()[-MAX_LOG_RESULT_BYTES:]).decode()
        headers = {"X-Amz-Executed-Version": "$LATEST", "X-Amz-Log-Result": tail}
        return headers | ({"X-Amz-Function-Error": "Unhandled"} if self.failed else {})


class Invocation(Work):
    """The work of one invocation."""

    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        function: Any,
        code: Path,
        payload: bytes,
        request_id: str,
        stream: str,
        environments: Environments,
    ) -> None:
        self.folder = folder
        self._environments = environments
        self.result: bytes | None = None
        self.error: bytes | None = None
        self._cloud = cloud
        self._function = function
        self._code = code
        self._payload = payload
        self._request_id = request_id
        self._stream = stream

    def prepare(self) -> Command:
        """Write the event and the runtime's task file."""
        if not str(self._function.run_time).startswith("python"):
            raise InputError(f"the runtime {self._function.run_time} is not supported here (use python3.12)")
        files = {name: str(self.folder / f"{name}.json") for name in ("event", "result", "error")}
        (self.folder / "event.json").write_bytes(self._payload)
        facts = {
            "aws_request_id": self._request_id,
            "function_name": self._function.function_name,
            "function_version": "$LATEST",
            "invoked_function_arn": self._function.function_arn,
            "memory_limit_in_mb": str(self._function.memory_size),
            "log_group_name": f"/aws/lambda/{self._function.function_name}",
            "log_stream_name": self._stream,
            "identity": None,
            "client_context": None,
        }
        task = self.folder / "task.json"
        handler = {"code": str(self._code), "handler": self._function.handler, "timeout": self._function.timeout}
        task.write_text(json.dumps({**files, **handler, "context": facts}))
        return Command([sys.executable, str(RUNNER), str(task)], self._environment(facts), self._code)

    def start(self, command: Command, merge_output: bool) -> Processes:
        """Run it in an execution environment of the function, if there can be one."""
        importing = [sys.executable, str(RUNNER), str(self._code), str(self._function.handler)]
        init = Init(self._function.function_name, Command(importing, command.environment, command.folder))
        return self._environments.start(init, command, merge_output)

    def collect(self, end: Phase) -> None:  # noqa: ARG002
        """Read the result or error, if there is one."""
        result, error = self.folder / "result.json", self.folder / "error.json"
        self.result = result.read_bytes() if result.is_file() else None
        self.error = error.read_bytes() if error.is_file() else None

    def failure(self, exit_code: int, error: str) -> str:  # noqa: ARG002
        """The reason why the process ended; empty if the function reported an error, which is in its log."""
        if (self.folder / "error.json").is_file():
            return ""
        type_name, message = self._exit_error(exit_code)
        answer = {"errorMessage": f"RequestId: {self._request_id} Error: {message}", "errorType": type_name}
        (self.folder / "error.json").write_text(json.dumps(answer))
        return message

    def no_answer(self) -> bytes:
        """The error of a function that exited without an answer: sys.exit(0)."""
        message = f"RequestId: {self._request_id} Error: Runtime exited without providing a reason"
        return json.dumps({"errorMessage": message, "errorType": "Runtime.ExitError"}).encode()

    def _exit_error(self, exit_code: int) -> tuple[str, str]:
        if exit_code == -signal.SIGALRM:
            return "Sandbox.Timedout", f"Task timed out after {self._function.timeout:.2f} seconds"
        how = f"signal: {-exit_code}" if exit_code < 0 else f"exit status {exit_code}"
        return "Runtime.ExitError", f"Runtime exited with error: {how}"

    def _environment(self, facts: Json) -> dict[str, str]:
        # The function's own variables first: Lambda reserves the names of the others.
        return (
            self._cloud.as_role(self._function.role).environment()
            | dict(self._function.environment_vars)
            | {
                "AWS_LAMBDA_FUNCTION_NAME": facts["function_name"],
                "AWS_LAMBDA_FUNCTION_VERSION": facts["function_version"],
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": facts["memory_limit_in_mb"],
                "AWS_LAMBDA_LOG_GROUP_NAME": facts["log_group_name"],
                "AWS_LAMBDA_LOG_STREAM_NAME": facts["log_stream_name"],
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{self._function.run_time}",
                "LAMBDA_TASK_ROOT": str(self._code),
                "_HANDLER": self._function.handler,
                # All invocations share the unpacked zip, which is read-only on AWS.
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )


def reply_of(job: Job) -> Reply:
    """The answer of an invocation that has ended. Raises ApiError if it was stopped."""
    work = job.work
    assert isinstance(work, Invocation)
    log = "\n".join(job.log.streams[0].tail)
    if job.phase is Phase.SUCCEEDED and work.result is not None:
        return Reply(work.result, failed=False, log=log)
    if job.phase is Phase.STOPPED:
        raise ApiError("ServiceException", "local AWS is shutting down", 503)
    if job.phase is Phase.TIMED_OUT:
        error = {
            "errorMessage": "Error: the import of the module timed out",
            "errorType": "Sandbox.Timedout",
        }
        return Reply(json.dumps(error).encode(), failed=True, log=log)
    if work.error is None and job.failure:
        error = {"errorMessage": job.failure, "errorType": "Runtime.InitError"}
        return Reply(json.dumps(error).encode(), failed=True, log=log)
    return Reply(work.error or work.no_answer(), failed=True, log=log)
