"""GetObject with a Range: the bytes of the range, and no other is read."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.s3.models import s3_backends

from tests.localaws.account import Account

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def filled(account: Account) -> Account:
    account.put("key", CONTENT)
    return account


def read(account: Account, asked: str) -> dict[str, Any]:
    found: dict[str, Any] = account.s3.get_object(Bucket=account.name, Key="key", Range=asked)
    return {**found, "Bytes": found["Body"].read()}


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-10", 5, 11),
        ("bytes=-7", 10_233, 10_240),
        ("bytes=10000-", 10_000, 10_240),
        ("bytes=10000-99999", 10_000, 10_240),
    ],
)
def test_a_range_is_answered_and_nothing_behind_it_is_read(filled: Account, asked: str, begin: int, end: int) -> None:
    found = read(filled, asked)
    assert found["Bytes"] == CONTENT[begin:end]
    assert (found["ContentRange"], found["ContentLength"]) == (f"bytes {begin}-{end - 1}/10240", end - begin)
    kept = s3_backends["123456789012"]["aws"].buckets[filled.name].keys["key"]
    assert kept._value_buffer.tell() == end


@pytest.mark.parametrize("asked", ["bytes=a-b", "bytes=1-2,4-5", "bytes=7-3"])
def test_a_range_that_s3_does_not_understand_is_the_whole_object(filled: Account, asked: str) -> None:
    found = read(filled, asked)
    assert found["Bytes"] == CONTENT
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_range_behind_the_end_is_refused(filled: Account) -> None:
    with pytest.raises(ClientError, match="InvalidRange"):
        read(filled, "bytes=10240-")
