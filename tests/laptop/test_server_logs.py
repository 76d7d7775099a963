"""`make logs` prints each line once, behind the name of its source, across restarts and for jobs that start later."""

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


def test_the_last_twenty_lines_come_first_and_then_each_new_complete_line(state: State) -> None:
    log = state.airflow / "airflow.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)))
    logs = Logs(state, "all")
    assert list(logs.new_lines()) == [f"airflow | line {number}" for number in range(10, 30)]
    with log.open("a") as file:
        file.write("half")
    assert list(logs.new_lines()) == []
    with log.open("a") as file:
        file.write(" and half\n")
    assert list(logs.new_lines()) == ["airflow | half and half"]


def test_a_truncated_log_is_read_from_its_start(state: State) -> None:
    log = state.aws / "localaws.log"
    log.write_text("a long line of the first start\n")
    logs = Logs(state, "aws")
    list(logs.new_lines())
    log.write_text("anew\n")
    assert list(logs.new_lines()) == ["aws | anew"]


def test_the_log_of_a_job_that_starts_later_is_read_from_its_first_line(state: State) -> None:
    (state.aws / "localaws.log").write_text("up\n")
    logs = Logs(state, "aws")
    list(logs.new_lines())
    job = state.aws / "jobs" / "glue" / "jr_1"
    job.mkdir(parents=True)
    (job / "log.txt").write_text("".join(f"{number}\n" for number in range(40)))
    assert list(logs.new_lines()) == [f"aws jr_1 | {number}" for number in range(40)]


def test_what_a_detached_make_up_says_is_among_the_logs(state: State) -> None:
    (state.folder / "up.log").write_text("complaints_training → v1 is in service\n")
    (state.airflow / "airflow.log").write_text("of airflow\n")
    assert list(Logs(state, "up").new_lines()) == ["up | complaints_training → v1 is in service"]
    assert len(list(Logs(state, "all").new_lines())) == 2


def test_only_the_named_server_is_followed_and_requests_of_the_ui_are_left_out(state: State) -> None:
    (state.aws / "localaws.log").write_text("of aws\n")
    (state.airflow / "airflow.log").write_text("GET / [http.access]\nof airflow\n")
    assert list(Logs(state, "airflow").new_lines()) == ["airflow | of airflow"]
    assert list(Logs(state, "aws").new_lines()) == ["aws | of aws"]


def test_without_logs_the_error_names_the_folder(state: State) -> None:
    with pytest.raises(ServerError, match=f"there are no logs in {state.folder}"):
        list(Logs(state, "all").new_lines())
