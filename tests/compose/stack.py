"""The stack of docker-compose.yaml under a project name and ports of its own, and what a user asks it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from laptop.servers.airflow_api import AirflowApi
from laptop.servers.aws import AwsAt
from laptop.servers.aws_credentials import AwsCredentials
from laptop.servers.orchestrator import ENDED
from laptop.servers.processes import free_port

ROOT = Path(__file__).parents[2]
# How long a test waits for what should come by itself, so that one that hangs ends.
PATIENCE_SECONDS = 900


def compose_command() -> list[str]:
    """`docker compose` or `docker-compose`, whichever is there; empty if neither is."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and _told([*command, "version"]).returncode == 0:
            return command
    return []


def missing() -> str:
    """Why no stack can be brought up here; empty if one can."""
    if not compose_command():
        return "neither `docker compose` nor `docker-compose` is on this machine"
    if not shutil.which("docker"):
        return "the client `docker` is not on this machine"
    asked = _told(["docker", "info", "--format", "{{.ServerVersion}}"])
    if asked.returncode or not asked.stdout.strip():
        return f"no Docker engine answers: {' '.join(asked.stderr.split())}"
    return ""


def _told(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Stack:
    """One project of compose. COMPOSE_FILE, BASE_IMAGE and POSTGRES_IMAGE are the caller's, as for any `up`."""

    def __init__(self) -> None:
        self.project = f"ptmlops-test-{os.getpid()}"
        self.ports = {"PORT": str(free_port()), "AWS_PORT": str(free_port())}
        self.address = f"http://127.0.0.1:{self.ports['PORT']}"
        self.aws = AwsAt(f"http://127.0.0.1:{self.ports['AWS_PORT']}", "us-east-1", AwsCredentials("local", "local"))
        self._command = [*compose_command(), "--project-name", self.project]

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`docker compose` with these arguments."""
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.ports},
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_SECONDS,
            check=False,
        )
        told = f"docker compose {' '.join(arguments)}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        assert not check or done.returncode == 0, told
        return done

    def up(self) -> None:
        """Starts all of it, and waits until each service with a health check is healthy."""
        self.compose("up", "--detach", "--no-build")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while set(self.health().values()) != {"healthy"}:
            assert time.monotonic() < deadline, f"still {self.health()}; {self.compose('logs', '--tail=30').stdout}"
            time.sleep(2)

    def health(self) -> dict[str, str]:
        """The health of each container that runs, by service."""
        lines = self.compose("ps", "--format", "json").stdout.splitlines()
        return {each["Service"]: each["Health"] for each in map(json.loads, lines)}

    def password(self) -> str:
        """The password, from the file that the log of airflow-init names; the log itself must not have it."""
        log = self.compose("logs", "--no-log-prefix", "airflow-init").stdout
        found = re.findall(r"docker compose exec api-server (cat \S+)", log)
        assert found, f"airflow-init names no file of passwords: {log[-500:]}"
        password = str(json.loads(self.compose("exec", "--no-TTY", "api-server", *found[-1].split()).stdout)["admin"])
        assert password not in log
        return password

    def airflow(self) -> AirflowApi:
        """Airflow, for whoever was told the password."""
        return AirflowApi(self.address, self.password())

    def run_flow(self, dag_id: str) -> str:
        """Triggers a flow as MWAA's users do, by the REST API, and waits for its end; returns its state."""
        airflow = self.airflow()
        run_id = airflow.trigger(dag_id, {})
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := airflow.state(dag_id, run_id)) not in ENDED:
            assert time.monotonic() < deadline, f"{dag_id} is still {state}"
            time.sleep(2)
        return state

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command, behind the name of its service, in that one's container, whatever becomes of it."""
        return self.compose("exec", "--no-TTY", *command, check=False)


def objects(s3: Any, bucket: str, prefix: str) -> dict[str, str]:
    """The ETag of each object under `prefix`, by key."""
    pages: Sequence[Any] = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    return {each["Key"]: each["ETag"] for page in pages for each in page.get("Contents", ())}
