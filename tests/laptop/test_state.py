"""The state folder of `make up`: its format, its lock, and the errors where it cannot be used."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from laptop.servers.airflow import ROOT
from laptop.servers.processes import ServerError, check_port
from laptop.servers.state import State, airflow_version


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path / "up")
    found.prepare("3.2.1")
    return found


def test_a_folder_that_make_up_did_not_create_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ServerError, match=r"was not created by make up.*move .* away, or remove it with make reset"):
        State(tmp_path).prepare("3.2.1")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_is_used_and_closed_to_other_users(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    State(tmp_path).prepare("3.2.1")
    assert not State(tmp_path).has_sample
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_another_format_is_refused_with_both_numbers(state: State) -> None:
    (state.folder / "state.json").write_text(json.dumps({"format": 7, "airflow": "3.2.1"}))
    with pytest.raises(ServerError, match="has format 7, but this make up uses format 1"):
        state.prepare("3.2.1")


def test_the_database_of_a_newer_airflow_is_refused_and_that_of_an_older_one_is_used(state: State) -> None:
    state.prepare("3.3.2")
    with pytest.raises(ServerError, match=r"used by Airflow 3\.3\.2, whose database 3\.2\.1 cannot read"):
        state.prepare("3.2.1")
    state.prepare("3.10.0")


def test_a_state_file_that_is_not_json_is_refused_with_the_fix(state: State) -> None:
    (state.folder / "state.json").write_text("{")
    with pytest.raises(ServerError, match="make reset"):
        state.prepare("3.2.1")


def test_the_upload_of_the_sample_is_recorded_across_restarts(state: State) -> None:
    state.sample_is_there()
    again = State(state.folder)
    again.prepare("3.2.1")
    assert again.has_sample


def test_a_second_make_up_is_refused_with_the_pid_and_the_address_of_the_first(state: State) -> None:
    with state.held():
        state.begin(8080)
        with pytest.raises(
            ServerError, match=rf"\(pid {os.getpid()}, http://127\.0\.0\.1:8080\).*stop it with make down"
        ):
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


def test_the_folder_is_free_once_its_process_has_ended(state: State) -> None:
    with state.held():
        state.begin(8080)
    assert state.holder() is None
    state.check_free()


def test_a_starting_process_is_not_mistaken_for_the_last_one(state: State) -> None:
    with state.held():
        state.begin(8080)
    document = json.loads((state.folder / "running.json").read_text())
    (state.folder / "running.json").write_text(json.dumps({**document, "pid": 1}))
    with state.held():
        holder = state.holder()
    assert holder is not None
    assert (holder.pid, holder.address, holder.ready) == (os.getpid(), "", False)


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999999999])
def test_a_port_that_no_machine_has_is_refused_with_the_range(port: int) -> None:
    with pytest.raises(ServerError, match=f"port {port} does not exist: name one from 1 to 65535"):
        check_port(port)


def test_local_aws_keeps_its_port_unless_it_is_in_use(state: State) -> None:
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
