"""The script that runs Airflow's components, with executables that record their arguments in place of Airflow's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from laptop.servers import airflow_components
from laptop.servers.leftovers import mark, marked, stop_marked

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc, which is Linux's")
# `airflow db migrate` ends at once; every component runs until it is stopped, or until the test creates its file.
# A file that says "once" ends one process, which takes it away.
EXECUTABLE = """#!{python}
import multiprocessing, pathlib, sys, time
import airflow
folder = pathlib.Path({folder!r})
with (folder / "names").open("a") as names:
    print(multiprocessing.current_process().name, file=names)
with (folder / "started").open("a") as started:
    print(pathlib.Path(sys.argv[0]).name, *sys.argv[1:], file=started)
while sys.argv[1] != "db":
    end = folder / f"end-{{sys.argv[1]}}"
    if end.exists():
        if end.read_text() == "once":
            end.unlink()
        sys.stdout.write("the last\\nwords")
        sys.exit(3)
    time.sleep(0.05)
"""
# Airflow, which takes long to import.
IMPORTED = """
with open({file!r}, "a") as imports:
    print("airflow", file=imports)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "bin").mkdir()
    (tmp_path / "airflow.py").write_text(IMPORTED.format(file=str(tmp_path / "imports")))
    for name in ("airflow", "uvicorn"):
        file = tmp_path / "bin" / name
        file.write_text(EXECUTABLE.format(python=sys.executable, folder=str(tmp_path)))
        file.chmod(0o755)
    yield tmp_path
    stop_marked(tmp_path, timeout=0)


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", airflow_components.__file__, "--binaries", str(folder / "bin")]
    environment = {**os.environ, **mark(folder), "PYTHONPATH": str(folder)}
    with (folder / "log").open("w") as log:
        return subprocess.Popen([*command, "--log-server-port", "8793"], env=environment, stdout=log, text=True)


def started(folder: Path) -> list[str]:
    file = folder / "started"
    return file.read_text().splitlines() if file.exists() else []


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "not within 60 s"
        time.sleep(0.05)


def test_the_database_is_migrated_first_and_only_loopback_serves_logs(folder: Path) -> None:
    with start(folder) as components:
        until(lambda: len(started(folder)) == 6)
        components.send_signal(signal.SIGTERM)
    first, *rest = started(folder)
    assert first == "airflow db migrate"
    log_server = "airflow.utils.serve_logs.log_server:get_app --no-access-log --host 127.0.0.1 --port 8793"
    assert sorted(rest) == [
        "airflow api-server",
        "airflow dag-processor",
        "airflow scheduler --skip-serve-logs",
        "airflow triggerer --skip-serve-logs",
        f"uvicorn --factory {log_server}",
    ]


def test_airflow_is_imported_once_for_all_components(folder: Path) -> None:
    with start(folder) as components:
        until(lambda: len(started(folder)) == 6)
        components.send_signal(signal.SIGTERM)
    assert (folder / "imports").read_text() == "airflow\n"


def test_a_signal_stops_every_component(folder: Path) -> None:
    with start(folder) as components:
        until(lambda: len(started(folder)) == 6)
        components.send_signal(signal.SIGTERM)
        assert components.wait(30) == 0
    assert marked(folder) == []


def test_a_component_is_the_main_process_of_its_program_or_the_scheduler_ignores_sigterm(folder: Path) -> None:
    with start(folder) as components:
        until(lambda: len(started(folder)) == 6)
        components.send_signal(signal.SIGTERM)
    assert (folder / "names").read_text().splitlines() == ["MainProcess"] * 6


def test_a_component_that_ends_is_started_again_and_its_log_says_so(folder: Path) -> None:
    expected = {f"triggerer     | {line}" for line in ("the last", "words", "ended with exit code 3", "starting again")}
    with start(folder) as components:
        until(lambda: len(started(folder)) == 6)
        (folder / "end-triggerer").write_text("once")
        until(lambda: expected <= set((folder / "log").read_text().splitlines()))
        until(lambda: started(folder).count("airflow triggerer --skip-serve-logs") >= 2)
        assert components.poll() is None
        components.send_signal(signal.SIGTERM)


def test_a_component_that_never_stays_up_ends_all_of_them(folder: Path) -> None:
    (folder / "end-scheduler").touch()
    with start(folder) as components:
        assert components.wait(60) == 1
    assert started(folder).count("airflow scheduler --skip-serve-logs") == 4
    assert marked(folder) == []
