"""A state folder: who made it, who uses it, and what is said where it cannot be used."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from laptop.servers.airflow import ROOT
from laptop.servers.processes import ServerError
from laptop.servers.state import State, airflow_version


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path / "up")
    found.prepare("3.2.1")
    return found


def test_a_folder_that_make_up_did_not_make_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ServerError, match=r"holds what make up did not make.*move .* away, or forget it: make reset"):
        State(tmp_path).prepare("3.2.1")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    State(tmp_path).prepare("3.2.1")
    assert not State(tmp_path).has_sample


def test_another_format_is_refused_with_both_numbers(state: State) -> None:
    (state.folder / "state.json").write_text(json.dumps({"format": 7, "airflow": "3.2.1"}))
    with pytest.raises(ServerError, match="has format 7, and this make up reads format 1"):
        state.prepare("3.2.1")


def test_a_database_of_a_newer_airflow_is_refused_and_one_of_an_older_is_taken_over(state: State) -> None:
    state.prepare("3.3.2")
    with pytest.raises(ServerError, match=r"used by Airflow 3\.3\.2, whose database 3\.2\.1 cannot read"):
        state.prepare("3.2.1")
    state.prepare("3.10.0")


def test_a_state_file_that_is_no_json_is_refused_with_what_to_do(state: State) -> None:
    (state.folder / "state.json").write_text("{")
    with pytest.raises(ServerError, match="make reset"):
        state.prepare("3.2.1")


def test_that_the_sample_was_uploaded_is_remembered_over_restarts(state: State) -> None:
    state.sample_is_there()
    again = State(state.folder)
    again.prepare("3.2.1")
    assert again.has_sample


def test_a_second_one_is_refused_with_the_pid_and_the_address_of_the_first(state: State) -> None:
    with state.held():
        state.begin(8080)
        with pytest.raises(ServerError, match=rf"\(pid {os.getpid()}, http://127\.0\.0\.1:8080\).*make down stops it"):
            State(state.folder).check_free()
        second = subprocess.run(
            [sys.executable, "-m", "laptop", "up", "--build", str(state.folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": "dags"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert f"pid {os.getpid()}, http://127.0.0.1:8080" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_folder_of_one_that_ended_is_free_whatever_it_left_behind(state: State) -> None:
    with state.held():
        state.begin(8080)
    assert state.holder() is None
    state.check_free()


def test_who_just_began_is_not_taken_for_who_ran_last(state: State) -> None:
    with state.held():
        state.begin(8080)
    document = json.loads((state.folder / "running.json").read_text())
    (state.folder / "running.json").write_text(json.dumps({**document, "pid": 1}))
    with state.held():
        holder = state.holder()
    assert holder is not None
    assert (holder.pid, holder.address, holder.ready) == (os.getpid(), "", False)


def test_local_aws_keeps_its_port_unless_somebody_took_it(state: State) -> None:
    with state.held():
        first = state.begin(8080)
    with state.held():
        assert state.begin(8080).endpoint == first.endpoint
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(first.endpoint.rpartition(":")[2])))
        other.listen()
        with state.held():
            assert state.begin(8080).endpoint != first.endpoint


def test_the_version_of_airflow_is_that_of_the_environment(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages" / "apache_airflow_core-3.2.1.dist-info"
    packages.mkdir(parents=True)
    (packages / "METADATA").write_text("Metadata-Version: 2.1\nName: apache-airflow-core\nVersion: 3.2.1\n")
    assert airflow_version(tmp_path) == "3.2.1"
    with pytest.raises(ServerError, match="has no Airflow"):
        airflow_version(tmp_path / "lib")
