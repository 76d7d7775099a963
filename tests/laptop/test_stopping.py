"""No process is left running, in whatever session it is, and however often somebody presses Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from laptop.servers.airflow import ROOT
from laptop.servers.leftovers import mark, marked, stop_marked
from laptop.servers.processes import Server

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc, which is Linux's")
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
# A child in a session of its own whose parent is gone, like a job of a local AWS that was killed.
ORPHAN = "import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(60)"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_marked(tmp_path, timeout=0)


def start(state: Path, code: str) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], **mark(state)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "not within 30 s"
        time.sleep(0.02)


def test_a_process_is_found_in_a_session_of_its_own_after_its_parent_died(state: Path) -> None:
    with start(state, ORPHAN) as parent:
        parent.wait()
        until(lambda: [pid for pid in marked(state) if pid != parent.pid])
        stop_marked(state)
    assert marked(state) == []


def test_a_process_that_ignores_sigterm_is_killed(state: Path) -> None:
    with start(state, STUBBORN) as stubborn:
        assert stubborn.stdout
        assert stubborn.stdout.readline() == b"up\n"
        assert stop_marked(state, timeout=0.2) == 1
    assert stubborn.returncode == -signal.SIGKILL


def test_the_processes_of_another_folder_are_left_alone(state: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    with start(other, STUBBORN) as stranger:
        until(lambda: marked(other) == [stranger.pid])
        assert stop_marked(state) == 0
        assert marked(other) == [stranger.pid]
        stop_marked(other, timeout=0)


def test_a_group_has_time_to_clean_up_after_its_first_process_has_ended(state: Path, tmp_path: Path) -> None:
    tidy = f"import signal, time, pathlib; signal.signal(signal.SIGTERM, lambda *_: None); print('up', flush=True);\
signal.pause(); time.sleep(0.5); pathlib.Path({str(tmp_path / 'tidied')!r}).touch()"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {tidy!r}]); time.sleep(60)"
    server = Server("a server", [sys.executable, "-c", code], {**os.environ, **mark(state)}, tmp_path / "log")
    with server:
        until(lambda: server.log.read_text() == "up\n")
    assert (tmp_path / "tidied").exists()
    assert marked(state) == []


HOST = """
import os, sys, time
from pathlib import Path
from laptop.servers.leftovers import mark
from laptop.servers.processes import Server
from laptop.servers.stopping import stopping_everything
state = Path(sys.argv[1])
try:
    with stopping_everything(state):
        stubborn = [sys.executable, "-c", sys.argv[2]]
        Server("never in a with block", stubborn, {**os.environ, **mark(state)}, state / "one.log")
        with Server("in one", stubborn, {**os.environ, **mark(state)}, state / "two.log"):
            print("started", flush=True)
            time.sleep(60)
except KeyboardInterrupt:
    sys.exit(7)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_stops_every_process_and_further_signals_do_not_interrupt_that(
    state: Path, number: signal.Signals
) -> None:
    slow = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), sys.exit()));\
print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", HOST, str(state), slow], cwd=ROOT, stdout=subprocess.PIPE) as host:
        assert host.stdout
        assert host.stdout.readline() == b"started\n"
        until(lambda: all((state / log).read_text() == "up\n" for log in ("one.log", "two.log")))
        for _ in range(3):
            host.send_signal(number)
            time.sleep(0.05)
        assert host.wait(30) == 7
    assert marked(state) == []
