"""Parsing a DAG file is cheap and the same everywhere: no network, no process, no environment, no clock."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import DAGS

FILES = sorted(DAGS.glob("*.py"))
# CPU seconds of the DAG file itself, the operators already imported. MWAA gives a file 30 s in all, on a slower core.
BUDGET_SECONDS = 2.0
HEAVY = {"pyspark", "sklearn", "pandas", "numpy", "scipy", "pyarrow", "sagemaker", "matplotlib", "torch"}
BANNED_CALLS = {"now", "utcnow", "today", "time", "uuid1", "uuid4", "getenv", "client", "resource", "get_variable"}


def probe(**environment: str) -> dict[str, dict[str, Any]]:
    """What importing each DAG file did in a bare environment, by the file's name."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "AIRFLOW_HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("parse_probe.py")), *(path.stem for path in FILES)],
        env={**inherited, "PYTHONPATH": str(DAGS), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"a DAG file does not import in a bare environment:\n{done.stderr[-2000:]}"
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    return {path.stem: json.loads(line) for path, line in zip(FILES, lines, strict=True)}


@pytest.fixture(scope="module")
def here() -> dict[str, dict[str, Any]]:
    return probe()


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, dict[str, Any]]:
    return probe(
        TZ="Asia/Kathmandu", PYTHONHASHSEED="1", AWS_DEFAULT_REGION="eu-west-1", AWS_PROFILE="nobody", LANG="C"
    )


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def parsed(request: pytest.FixtureRequest, here: dict[str, dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
    return request.param, here[request.param.stem]


def test_parsing_touches_no_network_and_starts_no_process(parsed: tuple[Path, dict[str, Any]]) -> None:
    path, found = parsed
    assert not found["did"], f"{path.name}: move this into a task: {found['did']}"


def test_parsing_reads_the_configuration_and_nothing_else(parsed: tuple[Path, dict[str, Any]]) -> None:
    path, found = parsed
    foreign = [file for file in found["files"] if Path(file).parent != DAGS / "complaints" / "config"]
    assert not foreign, f"{path.name} reads {foreign} at parse: only dags/complaints/config/*.yaml may be read"


def test_parsing_stays_within_its_budget(parsed: tuple[Path, dict[str, Any]]) -> None:
    path, found = parsed
    assert found["seconds"] < BUDGET_SECONDS, f"{path.name} takes {found['seconds']:.1f} s of CPU to import"
    heavy = HEAVY & set(found["modules"])
    assert not heavy, f"{path.name} imports {heavy}: import them in the job that needs them"


def test_parsing_gives_the_same_requests_whatever_the_environment(
    parsed: tuple[Path, dict[str, Any]], elsewhere: dict[str, dict[str, Any]]
) -> None:
    path, found = parsed
    assert elsewhere[path.stem]["requests"] == found["requests"], f"{path.name} depends on its environment"


def test_each_parse_gives_the_same_dag_so_that_airflow_makes_no_new_version_of_it(
    parsed: tuple[Path, dict[str, Any]], elsewhere: dict[str, dict[str, Any]]
) -> None:
    path, found = parsed
    assert elsewhere[path.stem]["serialized"] == found["serialized"]
    assert " at 0x" not in found["serialized"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_clock_no_identifier_and_no_client_is_asked_at_parse(path: Path) -> None:
    calls = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in BANNED_CALLS
    ]
    assert not calls, f"{path.name}: move into a task (complaints/tasks): {calls}"
