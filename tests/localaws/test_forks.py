"""A script in a fork sees, says and ends what it does in a new interpreter."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from localaws.jobs.forks import ForkedProcesses, Forks
from localaws.jobs.processes import Command, Processes
from tests.localaws.account import runs
from tests.waiting import until

ENVIRONMENT = {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
# Everything by which a job could tell one process from another, as one line of JSON.
FACTS = """
import atexit, json, os, signal, sys, threading, time
import numpy, shared

atexit.register(print, "at exit")
print("an error is not an output", file=sys.stderr)
print(json.dumps({
    "arguments": sys.argv,
    "name": __name__,
    "file": __file__,
    "path": sys.path,
    "main": sys.modules["__main__"].__file__,
    "shared": shared.__file__,
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "input": sys.stdin.read(),
    "bytecode": sys.dont_write_bytecode,
    "zone": time.tzname,
    "files": sorted(name for name in os.listdir("/proc/self/fd")),
    "leads": os.getsid(0) == os.getpid() == os.getpgid(0),
    "handlers": [str(signal.getsignal(each)) for each in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)],
    "threads": [thread.name for thread in threading.enumerate()],
    "helpers": [name for name in ("fork_server", "run_script", "aws_apis") if name in sys.modules],
    "warnings": len(__import__("warnings").filters),
}))
"""


@dataclass(frozen=True)
class Ended:
    """What is left of a script that has ended."""

    code: int | None
    output: bytes
    errors: bytes


class Scripts:
    """Scripts in a folder, run in a fork or in a new interpreter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.forks = Forks(ENVIRONMENT, folder, ["numpy"], is_on=True)
        (folder / "shared.py").write_text("")

    def start(self, script: str, *arguments: str, merged: bool = False, **environment: str) -> Processes:
        return self.forks.start(self.command(script, *arguments, **environment), merged)

    def command(self, script: str, *arguments: str, **environment: str) -> Command:
        path = self.folder / f"{hashlib.sha256(script.encode()).hexdigest()}.py"
        path.write_text(script)
        return Command([sys.executable, str(path), *arguments], {**ENVIRONMENT, **environment}, self.folder)


def ended(processes: Processes) -> Ended:
    read = [b"".join(output) for output in processes.outputs]
    code = processes.exit_code(60)
    processes.sweep()
    for output in processes.outputs:
        output.close()
    return Ended(code, read[0], b"".join(read[1:]))


def facts(told: Ended) -> Mapping[str, object]:
    found: dict[str, object] = json.loads(told.output.splitlines()[0])
    return found


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    found = Scripts(tmp_path)
    yield found
    found.forks.close()


def is_fork(processes: Processes) -> bool:
    return isinstance(processes, ForkedProcesses)


def test_a_script_sees_no_difference_to_a_new_interpreter(scripts: Scripts) -> None:
    more = {"OF_THE_JOB": "ü" * 60_000, "TZ": "Asia/Tokyo", "PYTHONDONTWRITEBYTECODE": "1"}
    forked = scripts.start(FACTS, "--name", "two words", **more)
    new = Processes(scripts.command(FACTS, "--name", "two words", **more), merge_output=False)
    assert is_fork(forked)
    a, b = ended(forked), ended(new)
    assert facts(a) == facts(b)
    assert a == b
    assert a.output.endswith(b"at exit\n")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("print('done')", 0),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('no rows')", 1),
        ("raise ValueError('at the end')", 1),
        ("this is no Python", 1),
        ("import os; os._exit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_every_end_of_a_script_is_told_as_that_of_a_new_interpreter(scripts: Scripts, script: str, code: int) -> None:
    forked, new = ended(scripts.start(script)), ended(Processes(scripts.command(script), merge_output=False))
    assert forked == new
    assert forked.code == code


def test_outputs_can_be_merged_in_their_order(scripts: Scripts) -> None:
    script = "import sys\nfor n in range(3): print(n, file=(sys.stdout, sys.stderr)[n % 2])"
    assert ended(scripts.start(script, merged=True)).output == b"0\n1\n2\n"


def test_forks_draw_different_random_numbers(scripts: Scripts) -> None:
    script = "import random, numpy; print(random.random(), numpy.random.rand())"
    drawn = [ended(scripts.start(script)).output.split() for _ in range(2)]
    assert not {*drawn[0]} & {*drawn[1]}


def test_a_job_ends_with_all_that_it_started_while_others_go_on(scripts: Scripts) -> None:
    starts = "import subprocess, time\nprint(subprocess.Popen(['sleep', '60']).pid)\ntime.sleep(60)"
    first, second = scripts.start(starts), scripts.start("print(input())\nimport time; time.sleep(60)")
    child = int(next(iter(first.outputs[0])))
    first.terminate(5)
    assert ended(first).code == -signal.SIGTERM
    assert not runs(child)
    assert b"EOFError" in ended(second).errors


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["-m", "json.tool"], {}),
        (["of_the_job.py"], {"PYTHONHASHSEED": "1"}),
        (["of_the_job.py"], {"OMP_NUM_THREADS": "1"}),
    ],
)
def test_what_an_interpreter_reads_when_it_starts_asks_for_a_new_one(
    scripts: Scripts, arguments: list[str], environment: dict[str, str]
) -> None:
    (scripts.folder / "of_the_job.py").write_text("")
    command = Command([sys.executable, *arguments], {**ENVIRONMENT, **environment}, scripts.folder)
    processes = scripts.forks.start(command, merge_output=True)
    assert not is_fork(processes)
    ended(processes)


def forking(folder: Path) -> list[int]:
    """The processes that fork for jobs of this folder and have no job themselves."""
    found = subprocess.run(["pgrep", "-f", f"fork_server.py {folder}"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_where_the_process_that_forks_was_killed_its_jobs_fail_and_the_next_ones_run(scripts: Scripts) -> None:
    running = scripts.start("import os, time; print(os.getpid())\ntime.sleep(60)")
    job = int(next(iter(running.outputs[0])))
    for pid in set(forking(scripts.folder)) - {job}:
        os.kill(pid, signal.SIGKILL)
    assert ended(running).code == -signal.SIGKILL
    until(lambda: not runs(job), "the end of the job")
    assert [ended(scripts.start("print('up')")).output for _ in range(2)] == [b"up\n"] * 2
    assert is_fork(again := scripts.start("print('up')"))
    assert ended(again).code == 0


def test_nothing_forks_any_more_after_the_end(scripts: Scripts) -> None:
    ended(scripts.start(""))
    assert len(forking(scripts.folder)) == 1
    scripts.forks.close()
    assert forking(scripts.folder) == []
    assert not is_fork(last := scripts.start(""))
    assert ended(last).code == 0
