"""Lambda's Invoke: the function's zip in a process of its own. All else about functions is moto's.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
import hashlib
import io
import json
import logging
import shutil
import signal
import sys
import time
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError

from localaws.cloud import ACCOUNT, Cloud
from localaws.job import InputError, Job, Phase, Work
from localaws.logs import JobLog, LogStream
from localaws.processes import Command
from localaws.wire import ApiError, Json

RUNNER = Path(__file__).parent / "container" / "run_function.py"
# What Lambda gives the import of a function's module, before the time-out begins.
INIT_SECONDS = 10.0
# How many events are worked on at once; the others wait, as they do in Lambda's queue.
ASYNCHRONOUS_AT_ONCE = 4
GREATEST_LOG_RESULT_BYTES = 4096

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """What the function gave; `failed` where that is an error that it did not handle."""

    payload: bytes
    failed: bool
    log: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        """As Invoke answers them."""
        tail = base64.b64encode(self.log.encode()[-GREATEST_LOG_RESULT_BYTES:]).decode()
        told = {"X-Amz-Executed-Version": "$LATEST", "X-Amz-Log-Result": tail}
        return told | ({"X-Amz-Function-Error": "Unhandled"} if self.failed else {})


class Functions:
    """Every function, and its invocations that have not ended."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self._cloud = cloud
        self._folder = folder
        self._running: dict[str, Job] = {}
        self._closed = False
        self._unpacking = Lock()
        self._pool = ThreadPoolExecutor(ASYNCHRONOUS_AT_ONCE, thread_name_prefix="event")

    @property
    def jobs(self) -> list[Job]:
        """The invocations that have not ended."""
        return list(self._running.values())

    def close(self) -> None:
        """Start nothing any more."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def later(self, name: str, payload: bytes) -> None:
        """Invoke for an event: returns at once. Unlike Lambda, an event whose function fails is not tried again."""
        self._pool.submit(self._quietly, name, payload)

    def exists(self, name: str, qualifier: str | None = None) -> None:
        """Raises ApiError if it does not."""
        self._function(name, qualifier)

    def invoke(self, name: str, payload: bytes, qualifier: str | None = None) -> Reply:
        """Run the function to its end. Raises ApiError if there is none, or the payload is not JSON."""
        function = self._function(name, qualifier)
        try:
            json.loads(payload or b"{}")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            raise ApiError("InvalidRequestContentException", message) from None
        if self._closed:
            raise ApiError("ServiceException", "local AWS is being stopped", 503)
        request_id = str(uuid.uuid4())
        job = self._running[request_id] = self._job(request_id, function, payload or b"{}")
        try:
            job.start()
            while job.running:
                job.join(1.0)
        finally:
            del self._running[request_id]
        return _reply(job)

    def _quietly(self, name: str, payload: bytes) -> None:
        try:
            reply = self.invoke(name, payload)
            if reply.failed:
                _log.warning("%s failed: %s", name, reply.payload.decode(errors="replace"))
        except Exception:
            _log.exception("%s could not be invoked", name)

    def _function(self, name: str, qualifier: str | None) -> Any:
        try:
            return lambda_backends[ACCOUNT][self._cloud.region].get_function(name, qualifier)
        except JsonRESTError as error:
            raise ApiError(error.error_type, error.message, error.code) from None

    def _job(self, request_id: str, function: Any, payload: bytes) -> Job:
        folder = self._folder / "lambda" / function.function_name / request_id
        group = f"/aws/lambda/{function.function_name}"
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{request_id.replace('-', '')}"
        try:
            self._cloud.client("logs").create_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        log = JobLog(self._cloud.client("logs"), LogStream(group, stream, folder / "log.txt"))
        work = Invocation(self._cloud, folder / "work", function, self._code(function), payload, request_id, stream)
        return Job(request_id, {"FunctionName": function.function_name}, work, log, function.timeout + INIT_SECONDS)

    def _code(self, function: Any) -> Path:
        """The unpacked zip, kept for as long as its content is the same."""
        content: bytes = function.code_bytes
        folder = self._folder / "lambda-code" / hashlib.sha256(content).hexdigest()
        with self._unpacking:
            if not folder.exists():
                partial = folder.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                try:
                    zipfile.ZipFile(io.BytesIO(content)).extractall(partial)
                except zipfile.BadZipFile as error:
                    message = f"the code of {function.function_name} is no zip: {error}"
                    raise ApiError("InvalidZipFileException", message, 502) from None
                partial.rename(folder)
        return folder


class Invocation(Work):
    """One event through a function."""

    def __init__(
        self, cloud: Cloud, folder: Path, function: Any, code: Path, payload: bytes, request_id: str, stream: str
    ) -> None:
        self.folder = folder
        self.result: bytes | None = None
        self.error: bytes | None = None
        self._cloud = cloud
        self._function = function
        self._code = code
        self._payload = payload
        self._request_id = request_id
        self._stream = stream

    def prepare(self) -> Command:
        """Write down the event and what the runtime must know."""
        if not str(self._function.run_time).startswith("python"):
            raise InputError(f"the runtime {self._function.run_time} does not run here (use python3.12)")
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

    def collect(self, end: Phase) -> None:  # noqa: ARG002
        """Read the answer, if there is one."""
        result, error = self.folder / "result.json", self.folder / "error.json"
        self.result = result.read_bytes() if result.is_file() else None
        self.error = error.read_bytes() if error.is_file() else None

    def failure(self, exit_code: int, tail: Sequence[str]) -> str:  # noqa: ARG002
        """A death that the function did not report; what it did report is in its log already."""
        if (self.folder / "error.json").is_file():
            return ""
        type_name, message = self._death(exit_code)
        told = {"errorMessage": f"RequestId: {self._request_id} Error: {message}", "errorType": type_name}
        (self.folder / "error.json").write_text(json.dumps(told))
        return message

    def silence(self) -> bytes:
        """The error of a function that ended well and said nothing: sys.exit(0)."""
        message = f"RequestId: {self._request_id} Error: Runtime exited without providing a reason"
        return json.dumps({"errorMessage": message, "errorType": "Runtime.ExitError"}).encode()

    def _death(self, exit_code: int) -> tuple[str, str]:
        if exit_code == -signal.SIGALRM:
            return "Sandbox.Timedout", f"Task timed out after {self._function.timeout:.2f} seconds"
        how = f"signal: {-exit_code}" if exit_code < 0 else f"exit status {exit_code}"
        return "Runtime.ExitError", f"Runtime exited with error: {how}"

    def _environment(self, facts: Json) -> dict[str, str]:
        # The function's own settings come first: Lambda reserves the names of the others.
        return (
            self._cloud.environment()
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
                # The unpacked zip is shared by all invocations, and on AWS it cannot be written to.
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )


def _reply(job: Job) -> Reply:
    work = job.work
    assert isinstance(work, Invocation)
    log = "\n".join(job.log.tail)
    if job.phase is Phase.SUCCEEDED and work.result is not None:
        return Reply(work.result, failed=False, log=log)
    if job.phase is Phase.STOPPED:
        raise ApiError("ServiceException", "local AWS is being stopped", 503)
    if job.phase is Phase.TIMED_OUT:
        told = {"errorMessage": "Error: the function's module took too long", "errorType": "Sandbox.Timedout"}
        return Reply(json.dumps(told).encode(), failed=True, log=log)
    if work.error is None and job.failure:
        told = {"errorMessage": job.failure, "errorType": "Runtime.InitError"}
        return Reply(json.dumps(told).encode(), failed=True, log=log)
    return Reply(work.error or work.silence(), failed=True, log=log)
