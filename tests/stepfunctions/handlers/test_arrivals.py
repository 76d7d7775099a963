"""What an event is about: keys are exact, names are legal, and what is not an arrival of complaints starts nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus

import pytest

from complaints.arrivals.events import Arrival, ArrivalError, arrivals_of, why_ignored
from complaints.arrivals.starting import Starter
from complaints.aws.objects import ObjectVersion
from complaints.settings import load_settings
from stepfunctions.handlers.starter import outcomes_of

STORAGE = load_settings().pipeline.storage
KEYS = ["raw/a b.csv", "raw/a+b.csv", "raw/a%2Fb.csv", "raw/ä ö/ß 投诉.csv", f"raw/{'x' * 1016}.csv", "raw/---.csv"]


def created(key: Any = "raw/a.csv", **more: Any) -> dict[str, Any]:
    told = {"key": key, "size": 10, "etag": "0" * 32, "sequencer": "00", **more}
    detail = {"bucket": {"name": STORAGE.bucket}, "object": told}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def notified(*keys: str) -> dict[str, Any]:
    records = [
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": STORAGE.bucket},
                "object": {"key": quote_plus(key, "/"), "size": 10, "eTag": "0"},
            },
        }
        for key in keys
    ]
    return {"Records": records}


@pytest.mark.parametrize("key", ["raw/a.csv", "raw/A.CSV", "raw/a.csv.gz", "raw/a.zip"])
def test_complaints_start_an_execution_plain_or_compressed(key: str) -> None:
    assert why_ignored(arrivals_of(created(key))[0], STORAGE) is None


@pytest.mark.parametrize("key", KEYS)
def test_the_key_is_read_exactly_and_its_execution_has_a_legal_name(key: str) -> None:
    for event in (created(key), notified(key)):
        (arrival,) = arrivals_of(event)
        assert arrival.key == key
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}", arrival.execution_name)
    assert why_ignored(arrival, STORAGE) is None


def test_each_version_of_each_object_has_a_name_of_its_own_that_a_person_recognises() -> None:
    variants = [created(), created("raw/b.csv"), created(etag="1" * 32), created(**{"version-id": "v1"})]
    names = [arrivals_of(event)[0].execution_name for event in variants]
    assert len(set(names)) == 4
    assert names[0].startswith("a-")
    assert arrivals_of(created())[0].execution_name == names[0]


def test_a_notification_may_tell_of_several_objects() -> None:
    assert [each.key for each in arrivals_of(notified("raw/a b.csv", "raw/c+d.csv"))] == ["raw/a b.csv", "raw/c+d.csv"]


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("history/a.csv", 10, "not below raw/"),
        ("raw/", 0, "a folder marker"),
        ("raw/2026/", 0, "a folder marker"),
        ("raw/_tmp.csv", 10, "an unfinished upload"),
        ("raw/.a.csv", 10, "an unfinished upload"),
        ("raw/_temporary/0/a.csv", 10, "in the folder _temporary"),
        ("raw/2026/__MACOSX/a.csv", 10, "in the folder __MACOSX"),
        ("raw/a.csv", 0, "empty"),
        ("raw/a.txt", 10, "no .csv, .csv.gz or .zip file"),
        ("raw/batches/may/a.csv", 10, "starts when its _SUCCESS arrives"),
        ("raw/batches/_SUCCESS", 0, "starts when its _SUCCESS arrives"),
    ],
)
def test_what_is_no_complaints_file_is_ignored_with_the_reason(key: str, size: int, reason: str) -> None:
    told = why_ignored(Arrival(STORAGE.bucket, ObjectVersion(key, "0", size)), STORAGE)
    assert told is not None
    assert reason in told


def test_another_bucket_is_ignored() -> None:
    assert (
        why_ignored(Arrival("other", ObjectVersion("raw/a.csv", "0", 1)), STORAGE)
        == f"in bucket other, not {STORAGE.bucket}"
    )


@pytest.mark.parametrize(
    "key", ["raw/a;b.csv", "raw/../history/a.csv", "raw/{{ ds }}.csv", "raw/a*.csv", "raw/a\n.csv"]
)
def test_a_name_that_means_something_to_a_shell_or_a_template_is_refused_with_the_remedy(key: str) -> None:
    with pytest.raises(ArrivalError, match="may not be read: rename it to match"):
        why_ignored(arrivals_of(created(key))[0], STORAGE)


@pytest.mark.parametrize(
    ("event", "wrong"),
    [
        ({}, "source: Field required"),
        ([], "an event is a JSON object, not list"),
        ("text", "not str"),
        ({"source": "aws.ec2", "detail-type": "Object Created", "detail": {}}, "source: Input should be 'aws.s3'"),
        ({**created(), "detail-type": "Object Deleted"}, "detail-type: Input should be 'Object Created'"),
        (created(7), "detail.object.key: Input should be a valid string"),
        (created(""), "detail.object.key: String should have at least 1 character"),
        (created("x" * 1025), "detail.object.key: String should have at most 1024 characters"),
        (created(size=-1), "detail.object.size"),
        (created(size="10"), "detail.object.size"),
        ({"Records": []}, "Records"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "x"}]}, "Records.0.eventSource"),
        (
            {"Records": [{**notified("raw/a")["Records"][0], "eventName": "ObjectRemoved:Delete"}]},
            "Records.0.eventName",
        ),
    ],
)
def test_a_malformed_or_foreign_event_is_rejected_and_says_why(event: Any, wrong: str) -> None:
    nobody: Starter = None  # type: ignore[assignment]
    with pytest.raises(ArrivalError, match=re.escape(wrong)):
        list(outcomes_of(event, nobody))
