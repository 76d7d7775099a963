import pytest

from tests.faults.environment import Environment


@pytest.fixture
def environment(in_memory_aws: None) -> Environment:
    return Environment.in_memory()
