"""`make up` as a person has it: stopped and started again, from this shell and another, with all that it holds kept."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from laptop.servers.airflow_api import AirflowApi
from laptop.servers.aws import AwsAt
from laptop.servers.aws_credentials import read_aws_credentials
from laptop.servers.credentials import credentials
from laptop.servers.leftovers import marked, stop_marked
from laptop.servers.orchestrator import ENDED
from laptop.servers.processes import free_port
from laptop.servers.stack import CLASSIFICATION
from laptop.servers.state import Running, State
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
# 127.0.0.1, ::1 and ::ffff:127.0.0.1, in the byte order of /proc/net.
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
BUCKET = load_settings().pipeline.storage.bucket

pytestmark = [
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="what is left running is looked for in /proc"),
]


def laptop(verb: str, state: State, *more: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "laptop", verb, "--build", str(state.folder), *more]
    environment = {"PYTHONPATH": "dags", "PATH": "/usr/bin:/bin", "HOME": str(state.folder.parent)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **options)


def said(verb: str, state: State, *more: str) -> tuple[int, str]:
    """The exit code of a verb that ends by itself, and all that it said."""
    with laptop(verb, state, *more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, output


def naming(state: State) -> list[str]:
    """The processes that name the state folder, in their environment or their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            named = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(state.folder).encode() in named and int(folder.name) != os.getpid():
            found.append((folder / "cmdline").read_text())
    return found


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    found = State(tmp_path / "up")
    yield found
    stop_marked(found.folder)


def listening(state: State) -> set[str]:
    """The addresses, as /proc/net/tcp and tcp6 write them, on which processes of the state folder listen."""
    inodes = set()
    for pid in marked(state.folder):
        with suppress(OSError):
            inodes |= {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, address, _, status, *rest = line.split()
            if status == "0A" and f"socket:[{rest[5]}]" in inodes:
                found.add(address.partition(":")[0])
    return found


def trained(state: State, airflow: AirflowApi) -> str:
    """The id of a training run that has succeeded, while nothing listened on another interface than loopback."""
    run_id = airflow.trigger("complaints_training", {})
    addresses: set[str] = set()

    def has_ended() -> bool:
        addresses.update(listening(state))
        return airflow.state("complaints_training", run_id) in ENDED

    until(has_ended, "end of the training")
    assert addresses
    assert addresses <= LOOPBACK, f"something of make up listens on {addresses - LOOPBACK}"
    assert airflow.state("complaints_training", run_id) == "success"
    return run_id


def airflow_of(state: State, running: Running) -> AirflowApi:
    return AirflowApi(running.address, credentials(state.airflow / "secrets").password)


def versions(airflow: AirflowApi) -> dict[str, int]:
    """The number of versions of each flow: a new one comes when a parse gives another DAG than the one before."""
    flows = (CLASSIFICATION, "complaints_training")
    return {flow: airflow.call("GET", f"/api/v2/dags/{flow}/dagVersions")["total_entries"] for flow in flows}


def triggered_at_once(number: int, airflow: AirflowApi) -> set[str]:
    """The ids of so many runs. SQLite lets one write at a time; a click while others write waits for its turn."""
    with ThreadPoolExecutor(4) as pool:
        return set(pool.map(airflow.trigger, [CLASSIFICATION] * number, [{}] * number))


def started(state: State, *more: str) -> tuple[str, Running]:
    """What it says when it is ready, in the background."""
    code, output = said("up", state, "--detach", *more)
    assert code == 0, output
    running = state.holder()
    assert running
    return output, running


def page(address: str) -> str:
    """A page of `make up`, as a browser on this machine gets it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


def classified(inbox: Path, log: Path) -> list[str]:
    """The addresses of the reports of two files. To copy a file is enough, and so it is for the next one."""
    reports = []
    for name in ("mine", "next"):
        narrative = f"They charged me twice says {name}"
        (inbox / f"{name}.csv").write_text(f"Complaint ID,Consumer complaint narrative\n1,{narrative}\n")
        published = re.compile(
            rf"complaints_classification  raw/{name}\.csv → "
            r"s3://\S+/results/(\w+)-\*\.parquet, copied to (\S+)/, report (http\S+)"
        )
        told = until(lambda told=published: told.search(log.read_text()), f"results of {name}.csv")
        assert list(Path(told[2]).glob(f"{told[1]}-*.parquet"))
        reports.append(told[3])
    return reports


def s3_of(state: State, running: Running) -> Any:
    credentials = read_aws_credentials(state.aws)
    assert credentials
    return AwsAt(running.endpoint, "us-east-1", credentials).client("s3")


def keys(state: State, running: Running) -> set[str]:
    pages = s3_of(state, running).get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {each["Key"] for page in pages for each in page.get("Contents", [])}


def settled(state: State, running: Running) -> None:
    """Waits for what follows two classifications: each arrival is noted, and each publication is monitored."""
    for start, end, what in (("ledger/versions/", "", "ledger"), ("monitoring/", "/decision.json", "monitoring")):

        def found(start: str = start, end: str = end) -> bool:
            return len([key for key in keys(state, running) if key.startswith(start) and key.endswith(end)]) == 2

        until(found, what)


def test_models_history_inbox_password_and_addresses_survive_a_restart(state: State, tmp_path: Path) -> None:
    inbox, port = tmp_path / "inbox", str(free_port())
    inbox.mkdir()
    (inbox / "notes.txt").write_text("no complaints")
    output, first = started(state, "--port", port, "--inbox", str(inbox))
    password = credentials(state.airflow / "secrets").password
    kept_in = f"user admin, password in {(state.airflow / 'secrets' / 'passwords.json').absolute()}"
    addresses = (first.address, kept_in, first.endpoint, f"s3://{BUCKET}", "airflow.log")
    assert [told for told in addresses if told not in output] == []
    assert password not in output, "the password is printed to terminals only"
    code, refused = said("up", state, "--port", port)
    assert (code, "Traceback" in refused) == (1, False)
    assert f"pid {first.pid}, {first.address}" in refused

    airflow = airflow_of(state, first)
    run_id = trained(state, airflow)
    # Opening a task's log in the UI shows what its job wrote.
    assert re.search(
        r"[\d,]+ rows read from 2 files", "\n".join(airflow.log("complaints_training", run_id, "prepare_history", 1))
    )
    assert re.search(r"train_rows=\d+", "\n".join(airflow.log("complaints_training", run_id, "train_model", 1)))
    log = state.folder / "up.log"
    training = re.compile(r"complaints_training  → v1 is in service, report (http://127\.0\.0\.1:\S+)  \(success")
    reports = [until(lambda: training.search(log.read_text()), "line about the training")[1]]
    reports += classified(inbox, log)
    settled(state, first)
    assert "skipped notes.txt: no .csv" in log.read_text()
    s3_of(state, first).delete_object(Bucket=BUCKET, Key="history/001-synthetic-history-16-columns.csv")
    kept = keys(state, first)

    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    logs = [*state.folder.glob("*.log"), *state.folder.glob("*/*.log")]
    assert {"up.log", "airflow.log", "server.log"} <= {each.name for each in logs}
    assert {stat.S_IMODE(each.stat().st_mode) for each in logs} == {0o600}
    # All of Airflow's logs, those of tasks included.
    assert not [each for each in state.folder.rglob("*.log") if password in each.read_text(errors="replace")]

    assert said("down", state) == (0, f"stopping make up (pid {first.pid}) ...\nstopped\n")
    assert naming(state) == []
    assert said("status", state)[0] == 3

    output, second = started(state, "--port", port, "--inbox", str(inbox))
    assert (second.address, second.endpoint) == (first.address, first.endpoint)
    assert kept_in in output
    assert credentials(state.airflow / "secrets").password == password
    assert keys(state, second) == kept, "the sample is uploaded once, and what a person deleted stays away"
    assert airflow_of(state, second).state("complaints_training", run_id) == "success"
    noted = airflow_of(state, second).call("GET", f"/api/v2/dags/complaints_training/dagRuns/{run_id}")["note"]
    assert f"[Report]({reports[0]})" in noted
    assert ["Consumer complaints, classified" in page(address) for address in reports] == [True] * 3
    code, status = said("status", state)
    assert code == 0, status
    assert "model      v1" in status
    assert "complaints_training: 1 success" in status
    assert "mine.csv" not in log.read_text()
    assert len(triggered_at_once(8, airflow_of(state, second))) == 8
    assert versions(airflow_of(state, second)) == {CLASSIFICATION: 1, "complaints_training": 1}
    down_stops_what_a_killed_one_left_running(state, second)


def down_stops_what_a_killed_one_left_running(state: State, running: Running) -> None:
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: state.holder() is None, "the end of make up")
    code, status = said("status", state)
    assert (code, "make down stops them" in status) == (3, True), status
    code, told = said("down", state)
    assert (code, "left by an earlier make up" in told) == (0, True), told
    assert naming(state) == []


def test_a_signal_while_it_starts_leaves_nothing_running_and_the_next_signal_neither(state: State) -> None:
    """That each of them alone stops everything is tested in tests/laptop/test_stopping.py, without Airflow."""
    with laptop("up", state, "--port", str(free_port()), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        until(lambda: any("scheduler" in command for command in naming(state)), "Airflow's components")
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            time.sleep(0.3)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in output
    assert naming(state) == []


def test_a_port_in_use_is_one_sentence(state: State) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as other:
        assert other.stdout
        port = re.search(r"port (\d+)", other.stdout.readline())
        assert port
        code, told = said("up", state, "--port", port[1])
        other.kill()
    assert code == 1
    assert (
        told.strip()
        == f"port {port[1]} is in use; stop the program that uses it, or choose another port: make up PORT=8081"
    )
