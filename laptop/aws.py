"""Local AWS as a server beside us, and clients for it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from laptop.processes import Server, ServerError

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
_START_SECONDS = 90


class Aws:
    """`python -m localaws` with its state in `state`, on a free loopback port."""

    def __init__(self, state: Path, region: str) -> None:
        self.region = region
        self._log = state / "server.log"
        command = [sys.executable, "-m", "localaws", "--state", str(state)]
        # No credentials, profile or endpoint of the person's own may reach it.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.server = Server("local AWS", command, inherited, self._log)
        self.endpoint = ""

    def wait_until_ready(self) -> None:
        """Returns when the endpoint answers; it says so with one line of JSON.

        Raises:
            ServerError: it ended, or was not ready within 90 seconds.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.server.check()
            for line in self._log.read_text(errors="replace").splitlines():
                if line.startswith('{"endpoint"'):
                    self.endpoint = json.loads(line)["endpoint"]
                    return
            time.sleep(0.1)
        raise ServerError(f"local AWS was not ready after {_START_SECONDS} s; its log is {self._log}")

    def environment(self) -> dict[str, str]:
        """What makes any AWS client talk to this endpoint."""
        return {**_CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": self.region}

    def session(self) -> Any:
        """A boto3 session with this AWS's credentials."""
        return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=self.region)

    def clients(self) -> Mapping[str, Any]:
        """A client of each service that deploy asks."""
        return {name: self.client(name) for name in ("s3", "glue", "lambda", "stepfunctions", "events", "sqs")}

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS, whatever the shell's proxy settings say."""
        return self.session().client(service, endpoint_url=self.endpoint, config=Config(proxies={}))
