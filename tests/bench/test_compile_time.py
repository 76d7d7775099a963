"""The compile-time benchmark measures DAGs of the sizes that it names, and only machines that are right."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("airflow") is None:
    pytest.skip("Airflow has an environment of its own", allow_module_level=True)
# Airflow reads AIRFLOW_HOME at import, so set it before any test imports Airflow.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))


@pytest.fixture
def dag() -> Any:
    from bench.synthetic_dags import groups

    return groups(12)


@pytest.fixture
def compiled(dag: Any) -> dict[str, Any]:
    from stepfunctions.compiler import compile_dag

    return compile_dag(dag)


@pytest.mark.parametrize("kind", ["in series", "in groups of 10", "in parallel", "in nested groups"])
def test_a_shape_has_the_stated_number_of_tasks_and_compiles(kind: str) -> None:
    from bench.compile_time import check
    from bench.synthetic_dags import SHAPES
    from stepfunctions.compiler import compile_dag

    make, sizes = SHAPES[kind]
    assert [len(make(size).tasks) for size in sizes] == list(sizes)
    dag = make(sizes[0])
    check(dag, compile_dag(dag), None)


def test_the_committed_file_must_equal_the_compiled_machine_to_the_last_byte(
    dag: Any, compiled: dict[str, Any], tmp_path: Path
) -> None:
    from bench.compile_time import WrongMachineError, as_text, check

    committed = tmp_path / "groups.asl.json"
    committed.write_text(as_text(compiled), encoding="utf-8")
    check(dag, compiled, committed)
    committed.write_text(as_text(compiled) + "\n", encoding="utf-8")
    with pytest.raises(WrongMachineError, match=r"groups\.asl\.json is not what groups_12 .*; run `make export`"):
        check(dag, compiled, committed)


def test_a_missing_committed_file_is_refused_by_name(dag: Any, compiled: dict[str, Any], tmp_path: Path) -> None:
    from bench.compile_time import WrongMachineError, check

    with pytest.raises(WrongMachineError, match=r"new\.asl\.json"):
        check(dag, compiled, tmp_path / "new.asl.json")


def test_a_machine_without_one_of_the_tasks_is_refused_with_the_task(dag: Any, compiled: dict[str, Any]) -> None:
    from bench.compile_time import WrongMachineError, check

    del compiled["States"]["gathered0000"]
    with pytest.raises(WrongMachineError, match="gathered0000 should each be one state"):
        check(dag, compiled, None)


def test_a_dag_that_compiles_differently_the_second_time_is_refused(dag: Any, compiled: dict[str, Any]) -> None:
    from bench.compile_time import WrongMachineError, check

    with pytest.raises(WrongMachineError, match="a different machine the second time"):
        check(dag, {**compiled, "Comment": "other"}, None)
