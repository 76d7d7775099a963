"""`make logs` shows each line once, with whose it is, through restarts of a server and jobs that begin meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from laptop.servers.processes import ServerError
from laptop.servers.state import State
from laptop.verbs.logs import Logs


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path / "up")
    for folder in (found.aws, found.airflow):
        folder.mkdir(parents=True)
    return found


def test_the_last_twenty_lines_come_first_and_then_each_new_one_once_it_is_whole(state: State) -> None:
    log = state.airflow / "standalone.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)))
    logs = Logs(state, "all")
    assert list(logs.look()) == [f"airflow | line {number}" for number in range(10, 30)]
    with log.open("a") as file:
        file.write("half")
    assert list(logs.look()) == []
    with log.open("a") as file:
        file.write(" and half\n")
    assert list(logs.look()) == ["airflow | half and half"]


def test_a_log_that_its_server_began_anew_is_read_from_its_beginning(state: State) -> None:
    log = state.aws / "localaws.log"
    log.write_text("a long line of the first start\n")
    logs = Logs(state, "aws")
    list(logs.look())
    log.write_text("anew\n")
    assert list(logs.look()) == ["aws | anew"]


def test_the_log_of_a_job_that_begins_is_taken_up_from_its_first_line(state: State) -> None:
    (state.aws / "localaws.log").write_text("up\n")
    logs = Logs(state, "aws")
    list(logs.look())
    job = state.aws / "jobs" / "glue" / "jr_1"
    job.mkdir(parents=True)
    (job / "log.txt").write_text("".join(f"{number}\n" for number in range(40)))
    assert list(logs.look()) == [f"aws jr_1 | {number}" for number in range(40)]


def test_only_the_server_that_was_named_is_followed_and_looks_at_the_ui_are_left_out(state: State) -> None:
    (state.aws / "localaws.log").write_text("of aws\n")
    (state.airflow / "standalone.log").write_text("GET / [http.access]\nof airflow\n")
    assert list(Logs(state, "airflow").look()) == ["airflow | of airflow"]
    assert list(Logs(state, "aws").look()) == ["aws | of aws"]


def test_where_nothing_was_started_the_message_says_so(state: State) -> None:
    with pytest.raises(ServerError, match=f"there are no logs in {state.folder}"):
        list(Logs(state, "all").look())
