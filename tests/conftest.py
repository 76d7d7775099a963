"""Where each test runs and in which tier, how hard property tests try, and the fixtures of several rooms."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import rooms
from tests.reports import PROCESSOR

if TYPE_CHECKING:
    from boto3 import Session
    from pyspark.sql import SparkSession

    from localaws import LocalAWS
    from tests.glue.local_runs import Run

HAS_AIRFLOW = importlib.util.find_spec("airflow") is not None
# PySpark 3.5 compares versions by `distutils`, and leaves the sockets that it collects rows by to the collector.
WITH_SPARK = ("glue", "contracts", "campaign")
IGNORED = (
    "ignore:The distutils package is deprecated:DeprecationWarning",
    "ignore:distutils Version classes are deprecated:DeprecationWarning",
    "ignore:unclosed <socket.*:ResourceWarning",
)
_BEFORE = pytest.StashKey[float]()
# Examples of each property test. `explore` looks for new ones; all others give the same examples each time, so that a
# build fails because of its change.
PROFILES = {"quick": 20, "default": 150, "long": 450, "explore": 1500}


def pytest_configure(config: pytest.Config) -> None:
    """Sets up Airflow and Hypothesis where the environment has them."""
    if HAS_AIRFLOW:
        # Airflow reads its home when it is imported: before any test does so.
        home = tempfile.TemporaryDirectory(prefix="airflow-home-")
        config.add_cleanup(home.cleanup)
        os.environ["AIRFLOW_HOME"] = home.name
        os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
        os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
        # Half a minute by default, which a busy machine needs for the first import of a provider.
        os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "300"
        _read_descriptions_of_services_once()
    if importlib.util.find_spec("hypothesis"):
        load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def _read_descriptions_of_services_once() -> None:
    """Gives all botocore sessions one loader: each try of an operator is a new session, and reads megabytes of JSON."""
    import botocore.session

    botocore.session.create_loader = cache(botocore.session.create_loader)


def load_profile(chosen: str) -> None:
    """Loads the Hypothesis profile that the tier sets in HYPOTHESIS_PROFILE."""
    from hypothesis import HealthCheck, settings

    for name, examples in PROFILES.items():
        settings.register_profile(
            name,
            max_examples=examples,
            derandomize=name != "explore",
            # No deadline, and no complaint about slowness: other workers have the processor, too.
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
            print_blob=True,
        )
    settings.load_profile(chosen)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Passes over the rooms of other environments; a room that is named on the command line is always collected."""
    return rooms.is_elsewhere(_place(collection_path), airflow=HAS_AIRFLOW) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tier and group of each test, and sorts the groups: before xdist looks at them."""
    in_groups = config.pluginmanager.hasplugin("xdist")
    for item in items:
        path, fixtures = _place(item.path), _fixtures(item)
        if marker := rooms.tier(path, fixtures):
            item.add_marker(marker)
        if in_groups:
            item.add_marker(pytest.mark.xdist_group(rooms.group(path, item.name, fixtures)))
        if rooms.is_in(path, WITH_SPARK):
            for warning in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(warning))
    items.sort(key=lambda item: rooms.rank(_place(item.path), _fixtures(item)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Notes the processor time before the test and its fixtures."""
    item.stash[_BEFORE] = _processor_seconds()
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Leaves in the report what the test took of the processors, with the fixtures and servers that ended with it."""
    yield
    item.user_properties.append((PROCESSOR, f"{_processor_seconds() - item.stash[_BEFORE]:.3f}"))


def _processor_seconds() -> float:
    """Of this process and of all children that have ended."""
    return sum(os.times()[:4])


@cache
def _place(path: Path) -> str:
    """The path below `tests`."""
    return path.relative_to(rooms.HERE).as_posix()


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark of all tests, as the jobs start it. Not every environment has one: imported when it is wanted."""
    from tests.glue.local_runs import local_spark

    with local_spark(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture(scope="session")
def local_aws() -> type[LocalAWS]:
    """Local AWS in this process: `with local_aws(folder) as aws`. Each has a port of its own."""
    from localaws import LocalAWS

    return LocalAWS


@pytest.fixture
def run_of(spark: SparkSession, tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Run]:
    """Lays out a run over files, given oldest first."""
    from tests.glue.local_runs import lay_out

    return lambda files: lay_out(tmp_path / "run", files)


@pytest.fixture(scope="session")
def aws_session() -> Session:
    """The one boto3 session of all tests in memory: each new one would read the description of S3 anew."""
    import boto3
    from moto import mock_aws  # noqa: F401  it hooks into the clients of sessions that are made from now on

    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")


@pytest.fixture
def in_memory_aws(monkeypatch: pytest.MonkeyPatch, aws_session: Session) -> Iterator[None]:
    """moto in this process, for boto3 clients that the code under test makes by itself."""
    import boto3
    from moto import mock_aws

    monkeypatch.setattr(boto3, "DEFAULT_SESSION", aws_session)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield
