import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from localaws.server.cloud import Cloud
from localaws.server.credentials import read_credentials
from tests.localaws.account import Account, wait

# The command that the process was started by.
STARTED_BY = "open('/proc/self/cmdline').read().split(chr(0))"
FUNCTION = f"""
import boto3
def handler(event, context): return any("fork_server" in part for part in {STARTED_BY})
"""
JOB = f"""
import sys
from pathlib import Path
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark.range(5).count(), sys.argv[-1])
print([Path(part).name for part in {STARTED_BY} if part.endswith(".py")], file=sys.stderr)
raise ValueError("at the end")
"""


class Server:
    """`python -m localaws`, as people start it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        command = [sys.executable, "-m", "localaws", "--state", str(folder / "state"), *options]
        environment = {**os.environ, "PTMLOPS_STATE": str(folder)}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert self.process.stdout
        printed = json.loads(self.process.stdout.readline())
        credentials = read_credentials(Path(printed["credentials"]))
        assert credentials
        self._cloud = Cloud(printed["endpoint"], "us-east-1", credentials)

    def client(self, service: str) -> Any:
        return self._cloud.client(service)

    @property
    def processes(self) -> list[str]:
        """The programs of all processes that it has started, and its own."""
        return [*self._of_each(lambda process: (process / "exe").readlink().name)]

    @property
    def commands(self) -> list[str]:
        """The commands of the same processes."""
        return [*self._of_each(lambda process: (process / "cmdline").read_text().replace("\0", " "))]

    def _of_each(self, look: Callable[[Path], str]) -> Iterator[str]:
        mark = f"PTMLOPS_STATE={self._folder}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    yield look(process)

    def until(self, state: str) -> None:
        """Waits until a program runs, or no process does."""
        wait(lambda: {"found": (state in self.processes) if state else not self.processes}, "found", {False}, 240)  # type: ignore[arg-type]

    def end(self) -> None:
        self._cloud.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.end()


@pytest.fixture
def account(server: Server) -> Account:
    return Account(server, "account")  # type: ignore[arg-type]


def test_the_interpreters_that_fork_start_before_there_is_a_function_or_a_job(server: Server) -> None:
    def started() -> dict[str, int]:
        return {"found": sum("fork_server.py" in command for command in server.commands)}

    wait(started, "found", {0, 1}, 60)  # type: ignore[arg-type]
    assert started() == {"found": 2}


def test_each_invocation_is_a_fork_of_an_interpreter_that_has_imported_boto3(account: Account) -> None:
    name = account.function(FUNCTION)
    assert [account.invoke(name, {})[1] for _ in range(2)] == [True, True]


def test_a_function_gets_the_library_that_it_brings_along(account: Account) -> None:
    name = account.function(FUNCTION)
    account.invoke(name, {})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("boto3.py", "version = 'of the function'")
        files.writestr("app.py", "import boto3\ndef handler(event, context): return boto3.version")
    account.aws.client("lambda").update_function_code(FunctionName=name, ZipFile=archive.getvalue())
    assert account.invoke(name, {})[1] == "of the function"


def test_a_job_in_the_ready_process_has_the_state_and_the_logs_of_any_job(server: Server, account: Account) -> None:
    server.until("java")
    run = account.glue_run(account.glue_job(JOB), {"--last": "argument"})
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "ValueError: at the end")
    assert account.log("/aws-glue/jobs/output", run["Id"]) == ["5 argument"]
    errors = account.log("/aws-glue/jobs/error", run["Id"])
    assert errors[0] == "['ready_process.py']"
    assert errors[1] == "Traceback (most recent call last):"
    assert errors[-1] == "ValueError: at the end"


def test_nothing_is_left_where_local_aws_was_killed(server: Server) -> None:
    server.until("java")
    server.end()
    server.until("")


def test_no_process_waits_where_nobody_wants_one(tmp_path: Path) -> None:
    server = Server(tmp_path, "--no-standby")
    account = Account(server, "account")  # type: ignore[arg-type]
    name = account.function(FUNCTION)
    assert account.invoke(name, {})[1] is False
    assert len(server.processes) == 1
    server.end()
