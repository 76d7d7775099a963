"""The DAG files as Airflow loads them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"


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
