"""The tiers and groups of tests follow from folders and fixtures, and no test goes around them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import rooms

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("*.py"))
# Our own packages and modules, by the first part of their names.
PRODUCT = {
    *("complaints", "operators", "plugins", "stepfunctions", "deploy", "laptop", "localaws", "bench"),
    *(path.stem for room in ("glue", "training", "inference") for path in (TESTS.parent / "include" / room).iterdir()),
}


@pytest.mark.parametrize(
    "room", sorted({*rooms.AIRFLOW, *rooms.OWN_VERBS, *rooms.LONG, *rooms.SERVERS, *rooms.FIRST, *rooms.APART})
)
def test_the_rooms_that_are_named_exist(room: str) -> None:
    assert (TESTS / room).exists(), f"tests/rooms.py names {room}"


@pytest.mark.parametrize(
    ("path", "fixtures", "tier"),
    [
        ("glue/test_personal_data.py", [], ""),
        ("glue/test_run_files.py", ["spark", "tmp_path"], "server"),
        ("laptop/test_inbox.py", ["s3", "local_aws"], "server"),
        ("localaws/test_local_units.py", [], "server"),
        ("campaign/test_rows.py", [], "server"),
        ("campaign/kills/test_under_airflow.py", ["spark"], "long"),
    ],
)
def test_folder_and_fixtures_decide_on_the_tier(path: str, fixtures: list[str], tier: str) -> None:
    assert rooms.tier(path, fixtures) == tier


@pytest.mark.parametrize(
    ("path", "with_airflow", "without"),
    [
        ("dags", True, False),
        ("stepfunctions", True, True),
        ("stepfunctions/compiler/test_looks.py", True, False),
        ("stepfunctions/handlers", False, True),
        ("glue", False, True),
        ("browser", False, False),
        # Where its folder is named, its files are collected.
        ("browser/test_browser.py", True, True),
    ],
)
def test_an_environment_collects_its_own_rooms(path: str, with_airflow: bool, without: bool) -> None:
    assert rooms.is_elsewhere(path, airflow=True) is not with_airflow
    assert rooms.is_elsewhere(path, airflow=False) is not without


def test_local_aws_is_started_where_the_tier_shows_it() -> None:
    """In a room of servers, or by the fixture `local_aws`, which marks the test."""
    elsewhere = [path for path in FILES if not rooms.is_in(_place(path), (*rooms.SERVERS, *rooms.LONG))]
    found = [f"{_place(path)}:{line}" for path in elsewhere for line in _starts_of_local_aws(_tree(path))]
    assert found == [], "take the fixture local_aws, and write local_aws(folder)"


def _starts_of_local_aws(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "LocalAWS":
            yield node.lineno


def test_no_test_uses_a_private_name_of_the_product() -> None:
    """The product gives a public name, or the test goes through the public one."""
    assert [f"{_place(path)}:{name}" for path in FILES for name in _private_names(_tree(path))] == []


def _private_names(tree: ast.Module) -> Iterator[str]:
    ours: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PRODUCT:
            ours |= {each.asname or each.name for each in node.names}
            yield from (f"{node.lineno}: {each.name}" for each in node.names if each.name.startswith("_"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = ast.unparse(node.value)
            # A test's own objects may have private names; `self` is one of them.
            if owner.partition(".")[0] in ours or owner.endswith(("aws", "airflow", "orchestrator")):
                yield f"{node.lineno}: {owner}.{node.attr}"


def test_what_an_interrupted_run_leaves_is_found_and_stopped(tmp_path: Path) -> None:
    """Also what has left its parent and its session behind, as servers do."""
    program = f"""
import os, subprocess, sys, time
sys.path.insert(0, {str(TESTS.parent)!r})
from tests.leftovers import adopt_orphans, stop_descendants
adopt_orphans()
sleep = "import time; print('up', flush=True); time.sleep(600)"
server = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {{sleep!r}}], start_new_session=True)"
with subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE, text=True) as parent:
    assert parent.stdout.readline() == "up\\n"
    parent.wait()
    print(len(stop_descendants()))
"""
    if not Path("/proc").is_dir():
        pytest.skip("processes are found in /proc, which is Linux's")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "1\n", done.stderr


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _place(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()
