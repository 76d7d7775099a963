"""A bucket of local AWS, which the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localaws.server.endpoint import LocalAWS

BUCKET = "complaints"


@pytest.fixture(scope="module")
def s3(local_aws: type[LocalAWS], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with local_aws(tmp_path_factory.mktemp("aws")) as aws:
        client = aws.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
