from collections.abc import Iterator
from typing import Any

import pytest

from laptop.servers.stack import CLASSIFICATION, TRAINING
from tests.campaign.kills.house import House, house


@pytest.fixture(scope="module")
def tried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Local AWS and the orchestrator that the module names."""
    with house(tmp_path_factory.mktemp("kills"), request.module.ORCHESTRATOR) as found:
        yield found


@pytest.fixture(scope="module")
def undisturbed(tried: House) -> dict[str, Any]:
    """What each flow leaves where nothing dies."""
    left = {}
    for flow in (TRAINING, CLASSIFICATION):
        assert tried.end(flow, tried.start(flow)) == "success"
        left[flow] = tried.visible(flow)
        assert left[flow]
    return left
