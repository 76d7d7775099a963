from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.glue.local_runs import IGNORED, Run, lay_out, local_spark

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            for warning in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with local_spark(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture
def run_of(spark: SparkSession, tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Run]:
    """Lays out a run over files, given oldest first."""

    def run(files: Mapping[str, str | bytes]) -> Run:
        return lay_out(tmp_path / "run", files)

    return run
