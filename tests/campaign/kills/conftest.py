from collections.abc import Iterator
from typing import Any

import pytest

from laptop.servers.stack import CLASSIFICATION, TRAINING
from tests.campaign.kills.house import House, house


@pytest.fixture(scope="package")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("kills")) as found:
        yield found


@pytest.fixture(scope="package")
def undisturbed(tried: House) -> dict[str, Any]:
    """What each flow leaves where nothing dies."""
    left = {}
    for flow in (TRAINING, CLASSIFICATION):
        assert tried.end("airflow", flow, tried.start("airflow", flow)) == "success"
        left[flow] = tried.visible(flow)
        assert left[flow]
    return left
