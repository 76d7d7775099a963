"""`make down`, `make status` and `make reset` where nothing runs, where one was killed, and where one runs."""

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
    stop_marked(found.folder, patience=0)


def left_behind(state: State) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], **mark(state.folder)}
    started = "print('up', flush=True); import time; time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", started], env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


def test_where_nothing_runs_it_is_said_and_status_fails(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(state) == NOT_RUNNING
    down(state)
    assert capsys.readouterr().out == f"make up does not run with {state.folder}\nnothing runs\n"


@LINUX
def test_what_a_killed_one_left_is_told_by_status_and_stopped_by_down(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    with left_behind(state):
        assert status(state) == NOT_RUNNING
        down(state)
    assert marked(state.folder) == []
    told = capsys.readouterr().out
    assert "but 1 processes of an earlier start do: make down stops them" in told
    assert told.endswith("stopped 1 processes that an earlier start had left behind\n")


def test_one_that_is_being_started_is_not_running_yet(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    with state.held():
        assert status(state) == NOT_RUNNING
    assert capsys.readouterr().out == f"make up is being started, pid {os.getpid()}\n"


def test_a_folder_in_use_is_not_removed(state: State) -> None:
    with state.held(), pytest.raises(ServerError, match=f"pid {os.getpid()}.*make down first"):
        reset(state, is_sure=True)
    assert (state.folder / "state.json").exists()


def test_who_is_sure_removes_all_of_it(state: State) -> None:
    reset(state, is_sure=True)
    assert not state.folder.exists()
