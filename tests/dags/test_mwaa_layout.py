"""A release as MWAA lays it out: the DAG files and plugins.zip below Airflow's home, and nothing of the repository.

In the environment of each Airflow version, which MWAA's constraints pin: dags/ alone has all that the DAG files import,
and the plugins load beside them.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from deploy.code_archives import dag_files, plugins_archive, with_environment
from deploy.environments import load_environment
from tests.dags.conftest import DAGS

DEV = load_environment("dev")
ACTIVE = DEV.active_file(DEV.stand_ins())
# What of the repository MWAA has not.
ELSEWHERE = ("deploy", "laptop", "localaws", "stepfunctions", "tests")
PROBE = """
import importlib.util, json, sys
from airflow import plugins_manager
from airflow.configuration import conf
# As the DAG processor does, and the process of a task.
sys.path.append(conf.get("core", "dags_folder"))
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
bag = DagBag(dag_folder=conf.get("core", "dags_folder"))
info = plugins_manager.get_plugin_info()
import complaints
from complaints.settings import load_settings
print("found:" + json.dumps({
    "errors": {**bag.import_errors, **(getattr(plugins_manager, "import_errors", None) or {})},
    "dags": sorted(bag.dags),
    "plugins": [each["name"] for each in info],
    "complaints": complaints.__file__,
    "bucket": load_settings().pipeline.storage.bucket,
    "elsewhere": [name for name in sys.argv[1:] if importlib.util.find_spec(name)],
}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow's home with what `make deploy` puts into MWAA's bucket."""
    folder = tmp_path_factory.mktemp("airflow")
    for name, content in {**dag_files(), "complaints/config/environment.yaml": ACTIVE}.items():
        path = folder / "dags" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    plugins = with_environment(plugins_archive(), ACTIVE)
    zipfile.ZipFile(io.BytesIO(plugins)).extractall(folder / "plugins")
    return folder


@pytest.fixture(scope="module")
def found(home: Path) -> dict[str, Any]:
    """What an Airflow in that home has loaded."""
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE, *ELSEWHERE],
        cwd=home,
        env={**inherited, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("found:"))
    return dict(json.loads(line.removeprefix("found:")))


def test_every_dag_and_plugin_loads_from_what_is_deployed_alone(found: dict[str, Any]) -> None:
    assert found["errors"] == {}
    assert found["dags"] == sorted(path.stem for path in DAGS.glob("*.py"))
    assert {"complaints_pages"} <= {*found["plugins"]}
    assert found["elsewhere"] == []


def test_dags_import_their_own_package_and_not_the_copy_for_the_pages(found: dict[str, Any], home: Path) -> None:
    assert Path(found["complaints"]) == home / "dags" / "complaints" / "__init__.py"


def test_the_settings_are_those_of_the_environment(found: dict[str, Any]) -> None:
    assert found["bucket"] == "ptmlops-dev-stand-in"
