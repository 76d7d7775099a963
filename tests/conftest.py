"""What tests of several rooms need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.glue.local_runs import Run

HERE = Path(__file__).parent
# PySpark 3.5 compares versions by `distutils`, and leaves the sockets that it collects rows by to the collector.
WITH_SPARK = tuple(HERE / room for room in ("glue", "contracts", "campaign"))
IGNORED = (
    "ignore:The distutils package is deprecated:DeprecationWarning",
    "ignore:distutils Version classes are deprecated:DeprecationWarning",
    "ignore:unclosed <socket.*:ResourceWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(room in item.path.parents for room in WITH_SPARK):
            for warning in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark of all tests, as the jobs start it. Not every environment has one: imported when it is wanted."""
    from tests.glue.local_runs import local_spark

    with local_spark(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture
def run_of(spark: SparkSession, tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Run]:
    """Lays out a run over files, given oldest first."""
    from tests.glue.local_runs import lay_out

    return lambda files: lay_out(tmp_path / "run", files)


@pytest.fixture
def in_memory_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto in this process, for boto3 clients that the code under test makes by itself."""
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield
