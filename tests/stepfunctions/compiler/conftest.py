"""The example DAG, and what it compiles to."""

from __future__ import annotations

from typing import Any

import pytest


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
