"""Airflow's settings in code on a laptop: what they change of Airflow itself, on this version of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = Path(__file__).parents[2] / "laptop" / "airflow_home"
FORKS = """
import importlib, os, pathlib, sys
import airflow_local_settings
import airflow.executors.local_executor
module = pathlib.Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / "domain" / "prices.py"

def in_child(code):
    if os.fork() == 0:
        exec(code)
        sys.stdout.flush()
        os._exit(0)
    os.wait()

in_child("print(sys.modules['domain.prices'].PRICE, 'domain.broken' in sys.modules)")
module.write_text("PRICE = 22")
in_child("print(sys.modules['domain.prices'].PRICE)")
module.unlink()
in_child("print('domain.prices' in sys.modules, os.environ['AIRFLOW__CORE__DAGS_FOLDER'] in sys.path)")
"""
NO_PARENT = """
import os, sys
import airflow_local_settings
if os.fork() == 0:
    print("domain.prices" in sys.modules, "boto3" in sys.modules, flush=True)
    os._exit(0)
os.wait()
"""
ENDING = """
from types import SimpleNamespace
import airflow_local_settings
airflow_local_settings._get_ready()
from airflow.sdk.execution_time.supervisor import ActivitySubprocess

waits = []
selector = SimpleNamespace(select=lambda timeout: waits.append(timeout) or [])
for sockets in ({"stdout": 1}, {}):
    task = SimpleNamespace(_open_sockets=sockets, selector=selector, _check_subprocess_exit=lambda **_: None)
    assert ActivitySubprocess._service_subprocess(task, 5.0) is None
print(*waits)
"""
PAUSE = """
import inspect, os
import airflow_local_settings
from airflow.jobs import triggerer_job_runner as triggerer
for _ in range(2):
    os.fork() or os._exit(0)
    os.wait()

async def seconds():
    with triggerer.anyio.move_on_after(1) as pause:
        return pause.deadline - triggerer.anyio.current_time()

if hasattr(triggerer, "anyio"):
    assert "anyio.move_on_after(1)" in inspect.getsource(triggerer.TriggerRunner.arun)
    print(round(triggerer.anyio.run(seconds), 1))
else:
    print("none in this version")
"""


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    """A folder of DAGs with a package, one module of which cannot be imported."""
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "__init__.py").touch()
    (tmp_path / "domain" / "prices.py").write_text("PRICE = 1")
    (tmp_path / "domain" / "broken.py").write_text("raise ValueError")
    (tmp_path / "domain" / "__main__.py").write_text("raise SystemExit")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "once.py").write_text("raise SystemExit")
    (tmp_path / "prices_dag.py").write_text("raise SystemExit")
    return tmp_path


def output(program: str, dags: Path, **environment: str) -> str:
    """What a program prints that has the settings on its path, as Airflow's processes have."""
    variables = {**os.environ, "PYTHONPATH": str(SETTINGS), "AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    command = [sys.executable, "-W", "ignore", "-c", program]
    found = subprocess.run(
        command, env={**variables, **environment}, check=True, capture_output=True, text=True, timeout=120
    )
    # Airflow and its libraries log to the same output.
    return "\n".join(line for line in found.stdout.splitlines() if "[info" not in line)


def test_the_packages_beside_the_dags_are_imported_before_a_task_and_again_once_they_change(dags: Path) -> None:
    assert output(FORKS, dags) == "1 False\n22\nFalse False"


def test_a_process_that_starts_no_task_imports_nothing_for_tasks(dags: Path) -> None:
    assert output(NO_PARENT, dags) == "False False"


def test_the_end_of_a_task_is_noticed_without_waiting_for_a_heartbeat(dags: Path) -> None:
    assert output(ENDING, dags) == "5.0 0.02"


def test_the_triggerer_pauses_for_as_long_as_it_is_told(dags: Path) -> None:
    assert output(PAUSE, dags, PTMLOPS_TRIGGERER_SECONDS="0.2") in ("0.2", "none in this version")
    assert output(PAUSE, dags) in ("1.0", "none in this version")
