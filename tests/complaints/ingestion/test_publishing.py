"""A day's complaints become one batch, once: whoever runs it, however often, and wherever it was interrupted."""

from __future__ import annotations

import hashlib
from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket, ConflictError
from complaints.ingestion import exports
from complaints.ingestion.plans import IngestionPlan, ingestion_plan, plan_document
from complaints.ingestion.publishing import BatchTooLargeError, ChangedFileError, check_batch, publish
from complaints.ingestion.remote import SourceVersion
from complaints.settings import load_settings
from tests.campaign.faults import Fault, injects

SETTINGS = load_settings()
BUCKET, URL = SETTINGS.pipeline.storage.bucket, SETTINGS.pipeline.ingestion.url
CONTENT = b"the complaints"
COUNTS = {"rows_in": 5, "new": 2, "changed": 1, "unchanged": 1, "baseline": 0, "superseded": 0, "quarantined": 1}


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    return Bucket(client, BUCKET)


def record(name: str) -> dict[str, Any]:
    return {"export": name, "url": URL, "source_etag": f'"{name}"', "source_last_modified": "", "uri": f"s3://{name}"}


def plan_of(bucket: Bucket, name: str = "e1", release: str = "r1") -> IngestionPlan:
    pointer = exports.last_ingested(bucket)
    return ingestion_plan(SourceVersion(f'"{name}"', ""), pointer, release=release, settings=SETTINGS)


def compared(bucket: Bucket, plan: IngestionPlan, name: str = "e1", files: int = 1) -> dict[str, Any]:
    """What compare_exports leaves: its files, and its account."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    names = [f"complaints-{number:05d}.csv.gz" for number in range(files)]
    for each in names:
        bucket.client.put_object(Bucket=BUCKET, Key=f"{bucket.key(plan['changed_uri'])}{each}", Body=CONTENT)
    written = [{"name": each, "rows": 3, "size": len(CONTENT), "sha256": sha256} for each in names]
    return {"export": record(name), "withdrawn": 4, "quarantined_by_reason": {"why": 1}, "files": written} | {
        "compared_columns": ["product"]
    }


def published(bucket: Bucket, plan: IngestionPlan, account: dict[str, Any]) -> dict[str, Any]:
    return publish(bucket, plan, COUNTS, account, "raw/batches/")


def raw(bucket: Bucket) -> list[str]:
    return [each.key for each in bucket.objects("raw/")]


def test_a_batch_is_complete_before_the_pointer_moves_and_both_say_where_they_come_from(bucket: Bucket) -> None:
    plan = plan_of(bucket)
    document = published(bucket, plan, compared(bucket, plan))
    assert raw(bucket) == ["raw/batches/e1/_SUCCESS", "raw/batches/e1/complaints-00000.csv.gz"]
    marker = bucket.current_version("raw/batches/e1/_SUCCESS")
    assert marker is not None
    assert marker.size == 0
    assert bucket.read_json("exports/e1/ingestion.json") == document
    assert {name: document[name] for name in COUNTS} == COUNTS
    pointer = exports.last_ingested(bucket)
    assert pointer == {"export": record("e1"), "run_id": plan["run_id"], "rows_in": 5, "previous": None} | {
        "batch": "raw/batches/e1/"
    }
    assert exports.source_version(pointer, URL) == SourceVersion('"e1"', "")
    assert exports.source_version(pointer, "https://elsewhere.example/x") is None


def test_publishing_again_writes_nothing_again(bucket: Bucket) -> None:
    plan = plan_of(bucket)
    account = compared(bucket, plan)
    published(bucket, plan, account)
    before = [(each.key, each.last_modified, each.etag) for each in bucket.objects("")]
    published(bucket, plan, account)
    assert [(each.key, each.last_modified, each.etag) for each in bucket.objects("")] == before


def test_an_export_without_news_leaves_no_batch_that_would_start_anything(bucket: Bucket) -> None:
    plan = plan_of(bucket)
    assert published(bucket, plan, compared(bucket, plan, files=0))["batch"] is None
    assert raw(bucket) == []
    assert (exports.last_ingested(bucket) or {})["export"]["export"] == "e1"


@injects(Fault.INGESTIONS_RACE)
def test_the_run_of_another_release_completes_what_the_first_one_began(bucket: Bucket) -> None:
    first = plan_of(bucket)
    account = compared(bucket, first)
    published(bucket, first, account)
    bucket.client.delete_object(Bucket=BUCKET, Key=exports.LATEST)  # as if it had been killed before
    bucket.client.delete_object(Bucket=BUCKET, Key="raw/batches/e1/_SUCCESS")
    second = plan_of(bucket, release="r2")
    assert second["run_id"] != first["run_id"]
    document = published(bucket, second, compared(bucket, second, files=2))
    assert document["run_id"] == first["run_id"]
    assert raw(bucket) == ["raw/batches/e1/_SUCCESS", "raw/batches/e1/complaints-00000.csv.gz"]
    assert (exports.last_ingested(bucket) or {})["run_id"] == second["run_id"]


@injects(Fault.INGESTIONS_RACE)
def test_a_run_that_was_overtaken_publishes_nothing(bucket: Bucket) -> None:
    slow = plan_of(bucket, "e1")
    fast = plan_of(bucket, "e2")
    published(bucket, fast, compared(bucket, fast, "e2"))
    before = raw(bucket)
    with pytest.raises(exports.OvertakenError, match="names e2, but this run compared with none"):
        published(bucket, slow, compared(bucket, slow))
    assert raw(bucket) == before


@injects(Fault.INGESTIONS_RACE)
def test_of_two_that_move_the_pointer_at_once_one_loses(bucket: Bucket) -> None:
    bucket.write_json(exports.LATEST, {"export": record("e0"), "run_id": "r0"})
    exports.move_pointer(bucket, {"export": record("e1"), "run_id": "r1"}, "r1", "e0")
    exports.move_pointer(bucket, {"export": record("e1"), "run_id": "r1"}, "r1", "e0")
    with pytest.raises(exports.OvertakenError):
        exports.move_pointer(bucket, {"export": record("e2"), "run_id": "r2"}, "r2", "e0")
    assert (exports.last_ingested(bucket) or {})["run_id"] == "r1"


@pytest.mark.parametrize("content", [None, b"other bytes"])
def test_a_file_that_is_not_the_one_that_was_written_starts_nothing(bucket: Bucket, content: bytes | None) -> None:
    plan = plan_of(bucket)
    account = compared(bucket, plan)
    key = f"{bucket.key(plan['changed_uri'])}complaints-00000.csv.gz"
    bucket.client.delete_object(Bucket=BUCKET, Key=key)
    if content:
        bucket.client.put_object(Bucket=BUCKET, Key=key, Body=content)
    with pytest.raises(ChangedFileError, match="is missing" if content is None else "has SHA-256"):
        published(bucket, plan, account)
    assert raw(bucket) == []


def test_a_batch_of_far_more_than_a_day_brings_needs_somebodys_word() -> None:
    counts = {"new": 10, "changed": 5}
    check_batch(counts, 15, accept_many=False)
    with pytest.raises(BatchTooLargeError, match=r"10 complaints are new and 5 changed, together more than 14"):
        check_batch(counts, 14, accept_many=False)
    check_batch(counts, 14, accept_many=True)
    wrong: Any = "no"
    with pytest.raises(TypeError, match="accept_many_rows is 'no': use true or false"):
        check_batch(counts, 15, accept_many=wrong)


def test_an_object_is_marked_once(bucket: Bucket) -> None:
    assert bucket.mark("raw/batches/x/_SUCCESS")
    assert not bucket.mark("raw/batches/x/_SUCCESS")
    with pytest.raises(ConflictError):
        bucket.write_json("raw/batches/x/_SUCCESS", {}, if_absent=True)


def test_the_same_answer_of_the_server_gives_the_same_plan_and_another_one_another(bucket: Bucket) -> None:
    assert plan_of(bucket) == plan_of(bucket)
    assert plan_of(bucket)["run_id"] != plan_of(bucket, "e2")["run_id"]
    assert plan_document(plan_of(bucket), None)["previous"] is None
    plan = plan_of(bucket)
    published(bucket, plan, compared(bucket, plan))
    again = plan_of(bucket)
    assert again["run_id"] != plan["run_id"]
    assert again["previous"] == "e1"
    assert plan_document(again, exports.last_ingested(bucket))["previous"] == record("e1")
    unchanged = ingestion_plan(None, exports.last_ingested(bucket), release="r1", settings=SETTINGS)
    assert not unchanged["is_new"]


def test_the_schedule_is_the_same_in_both_orchestrators() -> None:
    ingestion = SETTINGS.pipeline.ingestion.model_copy(update={"daily_at": "06:30"})
    assert (ingestion.cron, ingestion.schedule_expression) == ("30 6 * * *", "cron(30 6 * * ? *)")
