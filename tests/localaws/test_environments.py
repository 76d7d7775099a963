"""When an environment begins and ends, without the rest of local AWS."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localaws.jobs.forks import ForkedProcesses, Forks
from localaws.jobs.processes import Command, Processes
from localaws.lambdas.environments import Environments, Init
from localaws.lambdas.invocation import RUNNER
from localaws.server.timer import Timer
from tests.localaws.account import runs
from tests.waiting import until

ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


@dataclass
class Function:
    """A function that returns the process it is a fork of."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "app.py").write_text("import os\ndef handler(event, context): return os.getppid()\n")
        (self.folder / "event.json").write_text("{}")
        task = {name: str(self.folder / f"{name}.json") for name in ("event", "result", "error")}
        task |= {"code": str(self.folder), "handler": "app.handler"}
        (self.folder / "task.json").write_text(
            json.dumps({**task, "timeout": 20, "context": {"log_stream_name": "stream"}})
        )

    def command(self, *arguments: str) -> Command:
        return Command([sys.executable, str(RUNNER), *arguments], ENVIRONMENT, self.folder)

    def start(self, environments: Environments) -> Processes:
        init = Init("function", self.command(str(self.folder), "app.handler"))
        return environments.start(init, self.command(str(self.folder / "task.json")), merge_output=True)

    def invoke(self, environments: Environments) -> int:
        processes = self.start(environments)
        output = b"".join(processes.outputs[0])
        assert (processes.exit_code(60), output) == (0, b"")
        processes.outputs[0].close()
        found: int = json.loads((self.folder / "result.json").read_text())
        return found


@pytest.fixture
def timer() -> Iterator[Timer]:
    found = Timer()
    yield found
    found.close()


@pytest.fixture
def function(tmp_path: Path) -> Function:
    return Function(tmp_path)


def test_an_environment_that_nobody_uses_any_more_ends(function: Function, timer: Timer) -> None:
    forks = Forks(ENVIRONMENT, function.folder, [], is_on=True)
    environments = Environments(forks, timer, idle_seconds=1.0)
    first = function.invoke(environments)
    until(lambda: not runs(first), "the end of the environment")
    assert function.invoke(environments) != first
    environments.close()
    forks.close()


def test_none_is_left_after_the_end_and_none_is_kept_any_more(function: Function, timer: Timer) -> None:
    forks = Forks(ENVIRONMENT, function.folder, [], is_on=True)
    environments = Environments(forks, timer)
    kept = function.invoke(environments)
    assert function.invoke(environments) == kept
    environments.close()
    assert not runs(kept)
    last = function.invoke(environments)
    until(lambda: not runs(last), "the end of an environment that began too late")
    environments.close()
    forks.close()


@pytest.mark.parametrize("is_on", [True, False])
def test_where_nothing_forks_each_invocation_has_a_new_process(function: Function, timer: Timer, is_on: bool) -> None:
    # With it, the process that forks ends as it starts.
    forks = Forks(ENVIRONMENT, function.folder, ["builtins:exit"], is_on)
    environments = Environments(forks, timer)
    assert function.invoke(environments) == os.getpid()
    again = function.start(environments)
    assert not isinstance(again, ForkedProcesses)
    assert (b"".join(again.outputs[0]), again.exit_code(60)) == (b"", 0)
    again.outputs[0].close()
    environments.close()
    forks.close()
