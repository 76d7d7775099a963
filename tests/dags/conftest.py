"""The DAG files as Airflow loads them, in a home of their own."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"

# Airflow reads its home when it is imported: before any test does so.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"


@pytest.fixture(scope="session")
def bag() -> Any:
    """Airflow's own DagBag over `dags/`; its place moved in 3.2 (airflow #53918)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's own deprecations, of whichever version this is
        try:
            from airflow.dag_processing.dagbag import DagBag
        except ImportError:
            from airflow.models.dagbag import DagBag
        return DagBag(dag_folder=str(DAGS))


@pytest.fixture(scope="session")
def dags(bag: Any) -> dict[str, Any]:
    """The DAGs by their ids."""
    assert not bag.import_errors, f"these DAG files do not import: {bag.import_errors}"
    return dict(bag.dags)
