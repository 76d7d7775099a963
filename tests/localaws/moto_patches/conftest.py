"""Contract tests: moto as it is without our patches, in a process of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

Unpatched = Callable[..., Any]


@pytest.fixture(scope="session")
def unpatched() -> Iterator[Unpatched]:
    """Calls a function of a test module where no LocalAWS ever ran; returns what it returns."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda fact, *arguments: pool.submit(fact, *arguments).result(timeout=120)
