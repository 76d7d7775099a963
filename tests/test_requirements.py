"""`requirements.txt` holds what MWAA needs, and installs there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "requirements.txt"
CONSTRAINTS = ROOT.parent / "shared" / "mwaa"
VERSIONS = ("3.0.6", "3.2.1", "3.3.1")
# They belong to the jobs, conflict with MWAA's constraints, or make its start-up run out of time.
UV = (str(next((ROOT / ".venvs").glob("uv-*/bin/uv"))), "pip", "compile", "--quiet")
NOT_ON_MWAA = {"apache-airflow", "pyspark", "scikit-learn", "sagemaker", "pytest", "moto", "pandas"}


def names() -> set[str]:
    lines = (line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return {line.partition("[")[0].partition("=")[0].partition(">")[0].lower() for line in lines if line}


def test_only_what_the_dags_import_is_required() -> None:
    assert names() == {"apache-airflow-providers-amazon", "boto3", "pydantic", "pyyaml"}
    assert not names() & NOT_ON_MWAA


@pytest.mark.parametrize("version", VERSIONS)
def test_the_requirements_resolve_beside_the_airflow_of_mwaa(version: str, tmp_path: Path) -> None:
    constraints = CONSTRAINTS / f"constraints-{version}-py3.12.txt"
    if not constraints.exists():
        pytest.skip(f"Airflow's constraints for {version} are not at {constraints}")
    airflow = tmp_path / "airflow.in"
    airflow.write_text(f"apache-airflow=={version}\n")
    command = [*UV, str(REQUIREMENTS), str(airflow), "-c", str(constraints), "--python-version", "3.12"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, f"MWAA {version} would start without our packages:\n{done.stderr[-1500:]}"
    assert f"apache-airflow=={version}" in done.stdout


def test_the_locks_name_no_package_index() -> None:
    for lock in (ROOT / "locks").glob("*.txt"):
        assert "://" not in lock.read_text(), f"{lock.name} must install from any index"


# How `make lock` resolves each lock: the group, and the file of Airflow's constraints that it keeps to, if any.
COMPILED = re.compile(
    r"\$\(call compile,--group (?P<group>[\w-]+)(?: -c \$\(MWAA_CONSTRAINTS\)/(?P<constraints>\S+))?,(?P<lock>[\w-]+)\)"
)
LOCKED = {found["lock"]: found for found in COMPILED.finditer((ROOT / "Makefile").read_text())}
LOCKS = sorted((ROOT / "locks").glob("*.txt"), key=lambda lock: lock.stem)


def test_every_lock_is_resolved_from_the_group_of_its_name() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    parts = {each["include-group"] for group in groups.values() for each in group if isinstance(each, dict)}
    assert {name: found["group"] for name, found in LOCKED.items()} == {
        name: name for name in groups if name not in parts
    }
    assert [lock.stem for lock in LOCKS] == sorted(LOCKED)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_the_lock_is_current(lock: Path, tmp_path: Path) -> None:
    """Resolving again, with what the lock holds preferred, changes nothing: `pyproject.toml` asks for no more."""
    constraints = LOCKED[lock.stem]["constraints"]
    if constraints and not (CONSTRAINTS / constraints).exists():
        pytest.skip(f"Airflow's {constraints} is not in {CONSTRAINTS}")
    again = tmp_path / lock.name
    again.write_text(lock.read_text())
    command = [*UV, "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--group", lock.stem, "--output-file", str(again)]
    command += ["-c", str(CONSTRAINTS / constraints)] if constraints else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-1500:]
    assert again.read_text() == lock.read_text(), f"{lock.name} is stale: make lock"


def test_this_interpreter_is_one_that_the_locks_are_for() -> None:
    assert sys.version_info[:2] in ((3, 11), (3, 12))
