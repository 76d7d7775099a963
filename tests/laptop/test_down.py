"""`make down`, `make status` and `make reset`: nothing running, a killed `make up`, and a running one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from laptop.servers.leftovers import mark, marked, stop_marked
from laptop.servers.processes import ServerError
from laptop.servers.state import State
from laptop.verbs.down import down, reset
from laptop.verbs.status import NOT_RUNNING, status

LINUX = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc, which is Linux's")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    found = State(tmp_path / "up")
    found.prepare("3.2.1")
    yield found
    stop_marked(found.folder, timeout=0)


def left_behind(state: State) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], **mark(state.folder)}
    started = "print('up', flush=True); import time; time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", started], env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


def test_without_make_up_status_fails_and_down_does_nothing(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(state) == NOT_RUNNING
    down(state)
    assert capsys.readouterr().out == f"make up is not running with {state.folder}\nmake up is not running\n"


@LINUX
def test_status_counts_the_processes_that_a_killed_make_up_left_and_down_stops_them(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    with left_behind(state):
        assert status(state) == NOT_RUNNING
        down(state)
    assert marked(state.folder) == []
    output = capsys.readouterr().out
    assert "but 1 processes of an earlier make up are; make down stops them" in output
    assert output.endswith("stopped 1 processes left by an earlier make up\n")


def test_a_starting_make_up_is_not_ready(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    with state.held():
        assert status(state) == NOT_RUNNING
    assert capsys.readouterr().out == f"make up is starting, pid {os.getpid()}\n"


def test_a_folder_in_use_is_not_removed(state: State) -> None:
    with state.held(), pytest.raises(ServerError, match=f"pid {os.getpid()}.*run make down first"):
        reset(state, is_confirmed=True)
    assert (state.folder / "state.json").exists()


def test_a_confirmed_reset_removes_the_folder(state: State) -> None:
    reset(state, is_confirmed=True)
    assert not state.folder.exists()
