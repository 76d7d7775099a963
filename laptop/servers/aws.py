"""Local AWS as a server process, and boto3 clients for it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from laptop.servers.aws_credentials import AwsCredentials, read_aws_credentials
from laptop.servers.processes import Server, ServerError, free_port

_START_SECONDS = 180


class AwsAt:
    """A running local AWS at `endpoint`; it accepts only its own `credentials`."""

    def __init__(self, endpoint: str, region: str, credentials: AwsCredentials) -> None:
        self.endpoint = endpoint
        self.region = region
        self.credentials = credentials

    def environment(self) -> dict[str, str]:
        """The environment variables that make any AWS client use this endpoint."""
        return {**self.credentials.environment, "AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": self.region}

    def clients(self) -> Mapping[str, Any]:
        """A client of each service that deploy needs."""
        return {name: self.client(name) for name in ("cloudformation", "s3", "lambda", "events")}

    @cached_property
    def _session(self) -> boto3.Session:
        """One for all clients: it reads the description of each service once."""
        return boto3.Session(*self.credentials, region_name=self.region)

    def client(self, service: str, **more: Any) -> Any:
        """A boto3 client of this AWS, without the shell's proxy settings; `more` is passed to botocore's Config."""
        return self._session.client(service, endpoint_url=self.endpoint, config=Config(proxies={}, **more))


def running_aws(endpoint: str, region: str, state: Path) -> AwsAt:
    """The local AWS at `endpoint`, which another process runs with its state in `state`."""
    return AwsAt(endpoint, region, read_aws_credentials(state) or AwsCredentials("", ""))


class Aws(AwsAt):
    """`python -m localaws` with its state in `state`, on a loopback port: `port`, or any free one.

    `keep` keeps the S3 objects and SageMaker models of an earlier start. `mark` is added to the environment of its
    processes and of its jobs. With ENFORCE_IAM in the environment, it enforces the policies of the roles. With
    `reuse_jvm`, Spark jobs run one after another in one JVM.
    """

    def __init__(
        self,
        state: Path,
        region: str,
        *,
        port: int = 0,
        keep: bool = False,
        mark: Mapping[str, str] | None = None,
        reuse_jvm: bool = False,
    ) -> None:
        port = port or free_port()
        # Known before the server answers, so that Airflow can start at the same time.
        kept = read_aws_credentials(state) if keep else None
        super().__init__(f"http://127.0.0.1:{port}", region, kept or AwsCredentials.new())
        self.jobs = state / "jobs"  # with the log files of each job
        self._log = state / "server.log"
        command = [sys.executable, "-m", "localaws", "--state", str(state), "--port", str(port)]
        # The user's own credentials, profile and endpoint must not reach it.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        inherited |= {f"LOCAL{name}": value for name, value in self.credentials.environment.items()}
        options = [*["--keep"] * keep, *["--reuse-jvm"] * reuse_jvm]
        options += ["--enforce-iam"] * bool(os.environ.get("ENFORCE_IAM"))
        self.server = Server("local AWS", [*command, *options], {**inherited, **(mark or {})}, self._log)

    def wait_until_ready(self) -> None:
        """Waits for the line of JSON that local AWS prints once it answers requests.

        Raises:
            ServerError: it ended, or was not ready within three minutes.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.server.check()
            if '{"endpoint"' in self._log.read_text(errors="replace"):
                return
            time.sleep(0.1)
        raise ServerError(f"local AWS was not ready after {_START_SECONDS} s; see its log: {self._log}")
