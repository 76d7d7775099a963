import pytest

from tests.campaign.environment import Environment


@pytest.fixture
def environment(in_memory_aws: None) -> Environment:
    return Environment.in_memory()
