"""Airflow with a home of its own, and the example compiled."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import pytest

# Airflow reads its home when it is imported: before any test does so.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"


@pytest.fixture(scope="session")
def weather() -> Any:
    """The example DAG."""
    from tests.stepfunctions.compiler.example_dag import dag

    return dag


@pytest.fixture(scope="session")
def machine(weather: Any) -> dict[str, Any]:
    """The example's state machine."""
    from stepfunctions.compiler import compile_dag

    return compile_dag(weather)
