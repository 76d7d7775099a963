"""Lambda's Invoke, within the reserved concurrency. moto has all other operations on functions.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

import hashlib
import io
import json
import shutil
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError

from localaws.jobs.job import Job
from localaws.jobs.logs import JobLog, LogStream
from localaws.lambdas.environments import Environments
from localaws.lambdas.invocation import Invocation, Reply, reply_of
from localaws.server.cloud import ACCOUNT, Cloud
from localaws.server.protocol import ApiError

# Lambda's limit for importing a function's module, before the timeout begins.
INIT_SECONDS = 10.0
# What every function imports and reads, before its own modules.
OF_THE_RUNTIME = ("boto3", "aws_apis:read")


class ThrottledError(ApiError):
    """The function's reserved concurrency is used up."""

    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.", 429)


class Functions:
    """The functions and their running invocations."""

    def __init__(self, cloud: Cloud, folder: Path, environments: Environments) -> None:
        self._cloud = cloud
        self._environments = environments
        self._folder = folder
        self._running: dict[str, Job] = {}
        self._closed = False
        self._unpacking = Lock()
        self._busy: Counter[str] = Counter()
        self._counting = Lock()

    @property
    def jobs(self) -> list[Job]:
        """The running invocations."""
        return list(self._running.values())

    def close(self) -> None:
        """Refuse further invocations."""
        self._closed = True

    def find(self, name: str, qualifier: str | None = None) -> Any:
        """moto's function with that name or ARN. Raises ApiError if there is none."""
        try:
            return lambda_backends[ACCOUNT][self._cloud.region].get_function(name, qualifier)
        except JsonRESTError as error:
            raise ApiError(error.error_type, error.message, error.code) from None

    def check(self, name: str, payload: bytes, qualifier: str | None) -> Any:
        """The function, if it can be invoked with that payload. Raises ApiError."""
        function = self.find(name, qualifier)
        try:
            json.loads(payload or b"{}")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            raise ApiError("InvalidRequestContentException", message) from None
        return function

    def invoke(self, name: str, payload: bytes, qualifier: str | None, request_id: str) -> Reply:
        """Run the function and wait for its end.

        Raises ApiError if there is none or the payload is not JSON, and ThrottledError at its reserved concurrency.
        """
        function = self.check(name, payload, qualifier)
        if self._closed:
            raise ApiError("ServiceException", "local AWS is shutting down", 503)
        # Not the request's id, which all attempts of an event share: each has its own log and folder.
        run_id = str(uuid.uuid4())
        with self._slot(function):
            job = self._running[run_id] = self._job(run_id, request_id, function, payload or b"{}")
            try:
                job.start()
                while job.running:
                    job.join(1.0)
            finally:
                del self._running[run_id]
        return reply_of(job)

    @contextmanager
    def _slot(self, function: Any) -> Iterator[None]:
        name = function.function_name
        # The concurrency of the whole function, not of a version.
        reserved = self.find(name).reserved_concurrency
        with self._counting:
            if reserved is not None and self._busy[name] >= int(reserved):
                raise ThrottledError
            self._busy[name] += 1
        try:
            yield
        finally:
            with self._counting:
                self._busy[name] -= 1

    def _job(self, run_id: str, request_id: str, function: Any, payload: bytes) -> Job:
        folder = self._folder / "lambda" / function.function_name / run_id
        group = f"/aws/lambda/{function.function_name}"
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{run_id.replace('-', '')}"
        try:
            self._cloud.client("logs").create_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        log = JobLog(self._cloud.client("logs"), LogStream(group, stream, folder / "log.txt"))
        code, work_folder = self._code(function), folder / "work"
        work = Invocation(self._cloud, work_folder, function, code, payload, request_id, stream, self._environments)
        return Job(run_id, {"FunctionName": function.function_name}, work, log, function.timeout + INIT_SECONDS)

    def _code(self, function: Any) -> Path:
        """The unpacked zip, by the hash of its content."""
        content: bytes = function.code_bytes
        folder = self._folder / "lambda-code" / hashlib.sha256(content).hexdigest()
        with self._unpacking:
            if not folder.exists():
                partial = folder.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                try:
                    zipfile.ZipFile(io.BytesIO(content)).extractall(partial)
                except zipfile.BadZipFile as error:
                    message = f"the code of {function.function_name} is not a zip: {error}"
                    raise ApiError("InvalidZipFileException", message, 502) from None
                partial.rename(folder)
        return folder
