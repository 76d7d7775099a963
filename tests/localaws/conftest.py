from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from localaws import LocalAWS
from tests.localaws.account import Account

NUMBERS = count()


@pytest.fixture(scope="package")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    folder: Path = tmp_path_factory.mktemp("aws")
    with LocalAWS(folder, minute=1.0) as running:
        yield running


@pytest.fixture
def account(aws: LocalAWS) -> Account:
    return Account(aws, f"account-{next(NUMBERS)}")
