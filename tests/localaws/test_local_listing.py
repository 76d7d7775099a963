"""Listings of keys that XML cannot hold: encoded as the client asks."""

import gc
from copy import deepcopy

import pytest
from moto.s3.models import s3_backends

from tests.localaws.account import Account

KEYS = ["raw/a b+c&.csv", "raw/control\x01\x1f.csv", "raw/folder\x02/x.csv", "raw/line\nfeed.csv", "raw/ü%2F\u2028.csv"]


@pytest.fixture
def filled(account: Account) -> Account:
    for key in KEYS:
        account.put(key, key)
    return account


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
def test_every_key_is_listed_page_by_page(filled: Account, operation: str) -> None:
    pages = filled.s3.get_paginator(operation).paginate(
        Bucket=filled.name, Prefix="raw/", PaginationConfig={"PageSize": 1}
    )
    entries = "Versions" if operation == "list_object_versions" else "Contents"
    assert [entry["Key"] for page in pages for entry in page[entries]] == KEYS
    assert [filled.get(key).decode() for key in KEYS] == KEYS


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
def test_prefixes_and_delimiters_are_encoded_too(filled: Account, operation: str) -> None:
    page = getattr(filled.s3, operation)(Bucket=filled.name, Prefix="raw/folder", Delimiter="\x02")
    assert (page["Prefix"], page["Delimiter"]) == ("raw/folder", "\x02")
    assert page["CommonPrefixes"] == [{"Prefix": "raw/folder\x02"}]


def test_a_deleted_key_is_listed_as_a_delete_marker(filled: Account) -> None:
    filled.s3.put_bucket_versioning(Bucket=filled.name, VersioningConfiguration={"Status": "Enabled"})
    filled.s3.delete_object(Bucket=filled.name, Key=KEYS[1])
    listed = filled.s3.list_object_versions(Bucket=filled.name)
    assert [marker["Key"] for marker in listed["DeleteMarkers"]] == [KEYS[1]]
    assert [
        entry["Key"] for entry in filled.s3.list_objects_v2(Bucket=filled.name, StartAfter=KEYS[0])["Contents"]
    ] == KEYS[2:]


def test_the_bytes_of_large_objects_are_not_copied_for_a_listing_and_outlive_it(filled: Account) -> None:
    kept = s3_backends["123456789012"]["aws"].buckets[filled.name].keys[KEYS[0]]
    copied = deepcopy(kept)  # what moto lists
    assert copied._value_buffer is kept._value_buffer
    # It may end after local AWS has, and moto warns about a key that nobody disposed of.
    assert copied.disposed
    assert not kept.disposed
    del copied
    gc.collect()
    assert filled.get(KEYS[0]).decode() == KEYS[0]
