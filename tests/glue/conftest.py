from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.glue.local_runs import Run, lay_out


@pytest.fixture
def run_of(spark: SparkSession, tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Run]:
    """Lays out a run over files, given oldest first."""

    def run(files: Mapping[str, str | bytes]) -> Run:
        return lay_out(tmp_path / "run", files)

    return run
