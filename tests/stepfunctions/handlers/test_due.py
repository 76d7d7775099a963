"""What is due where nobody tells of arrivals: each version once, in one ledger with the starter's."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from complaints.arrivals.due import due_arrivals, run_id
from complaints.arrivals.ledger import FLOW, Ledger
from complaints.aws.bucket import Bucket
from complaints.runs import source_ledger
from complaints.settings import load_settings
from complaints.tasks import arrivals
from tests.stepfunctions.handlers.conftest import Environment

STORAGE = load_settings().pipeline.storage


class Files:
    """The bucket of the settings, and the tasks of one run of the DAG; `dead` are Airflow's runs that failed."""

    def __init__(self, s3: Any, versioned: bool) -> None:
        self.s3, self.bucket = s3, Bucket(s3, STORAGE.bucket)
        self.dead: set[str] = set()
        s3.create_bucket(Bucket=STORAGE.bucket)
        if versioned:
            s3.put_bucket_versioning(Bucket=STORAGE.bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, *keys: str, body: bytes | None = None) -> None:
        for key in keys:
            content = key.encode() if body is None else body
            self.s3.put_object(Bucket=STORAGE.bucket, Key=key, Body=content)

    def is_alive(self, run: str) -> bool:
        return run not in self.dead

    def due(self) -> list[tuple[str, str]]:
        return [(each.arrival.key, each.outcome) for each in due_arrivals(self.bucket, STORAGE, self.is_alive)]

    def found(self) -> list[dict[str, Any]]:
        found = arrivals.to_start(self.is_alive)
        assert json.loads(json.dumps(found)) == found  # it is an XCom
        return found

    def started(self) -> list[dict[str, Any]]:
        """What the run starts, by the time that it is over."""
        found = self.found()
        arrivals.remember(found)
        return [each["run"]["conf"] for each in found]

    def ledger(self) -> dict[str, str]:
        entries = (self.bucket.read_json(each.key) or {} for each in self.bucket.objects("ledger/versions/"))
        return {entry["key"]: entry["outcome"] for entry in entries}


@pytest.fixture(params=[False, True], ids=["unversioned", "versioned"])
def files(in_memory_aws: None, request: pytest.FixtureRequest) -> Files:
    return Files(boto3.client("s3", region_name="us-east-1"), request.param)


def test_each_file_and_each_completed_batch_is_started_once_oldest_first(files: Files) -> None:
    assert not arrivals.is_anything_due(files.is_alive)
    files.put("raw/b.csv", "raw/2026/a b.csv.gz", "raw/batches/may/1.csv", "raw/batches/may/2.csv")
    assert arrivals.is_anything_due(files.is_alive)
    started = files.started()
    assert sorted(each["source"] for each in started) == ["raw/2026/a b.csv.gz", "raw/b.csv"]
    assert all(len(each["etag"]) == 32 for each in started)
    assert not arrivals.is_anything_due(files.is_alive)
    files.put("raw/batches/may/_SUCCESS", body=b"")
    assert files.started() == [{"source": "raw/batches/may/"}]
    assert files.started() == []


def test_new_bytes_under_an_old_key_are_a_new_arrival_and_only_the_newest_counts(files: Files) -> None:
    files.put("raw/a.csv", body=b"old")
    (old,) = files.started()
    for body in (b"between", b"new"):
        files.put("raw/a.csv", body=body)
    (new,) = files.started()
    assert new["etag"] != old["etag"]
    assert new["etag"] == files.s3.head_object(Bucket=STORAGE.bucket, Key="raw/a.csv")["ETag"].strip('"')


def test_what_was_started_and_not_remembered_is_started_by_the_same_id(files: Files) -> None:
    files.put("raw/a.csv")
    first, again = files.found(), files.found()
    assert first == again
    assert first[0]["run"]["trigger_run_id"].startswith("arrival__a-")


def test_unfinished_uploads_and_foreign_files_are_never_due(files: Files) -> None:
    files.put("raw/_a.csv", "raw/.a.csv", "raw/a.txt", "raw/a.csv.part", "history/a.csv", "raw/batches/_SUCCESS")
    files.put("raw/", "raw/empty.csv", body=b"")
    assert files.due() == []
    assert files.ledger() == {}


def test_what_was_deleted_is_not_due(files: Files) -> None:
    files.put("raw/a.csv")
    files.s3.delete_object(Bucket=STORAGE.bucket, Key="raw/a.csv")
    assert files.due() == []


def test_a_name_that_may_not_be_read_is_told_once_and_stops_nothing(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    files.put("raw/a;b.csv", "raw/good.csv")
    assert [each["source"] for each in files.started()] == ["raw/good.csv"]
    (warning,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert "'raw/a;b.csv' may not be read: rename it to match" in warning
    assert not arrivals.is_anything_due(files.is_alive)
    files.put("raw/a;b.csv", body=b"other bytes")
    assert files.due() == [("raw/a;b.csv", "rejected")]


def test_the_same_bytes_under_another_key_are_noted_and_not_started_even_when_both_come_at_once(files: Files) -> None:
    files.put("raw/a.csv", "raw/b.csv", body=b"same")
    assert [each["source"] for each in files.started()] == ["raw/a.csv"]
    files.put("raw/c.csv", body=b"same")
    assert files.started() == []
    expected = {"raw/a.csv": "started", "raw/b.csv": "duplicate of raw/a.csv", "raw/c.csv": "duplicate of raw/a.csv"}
    assert files.ledger() == expected


def test_the_same_bytes_are_started_again_where_the_first_run_failed(files: Files) -> None:
    files.put("raw/a.csv", body=b"same")
    (first,) = files.found()
    arrivals.remember([first])
    files.dead.add(first["run"]["trigger_run_id"])
    files.put("raw/copy.csv", body=b"same")
    assert [each["source"] for each in files.started()] == ["raw/copy.csv"]


def test_more_files_than_airflow_maps_a_task_over_have_their_turn_one_run_later(
    in_memory_aws: None,
) -> None:
    files = Files(boto3.client("s3", region_name="us-east-1"), versioned=False)
    files.put(*(f"raw/{number:03}.csv" for number in range(arrivals.MOST_AT_ONCE + 1)))
    assert [len(files.started()) for _ in range(3)] == [arrivals.MOST_AT_ONCE, 1, 0]


def test_what_the_starter_started_is_not_due_and_the_other_way_round(environment: Environment) -> None:
    bucket, storage = environment.bucket, environment.settings.storage
    by_starter, by_dag = environment.put("raw/starter.csv", b"1"), environment.put("raw/dag.csv", b"2")
    assert environment.outcome(by_starter) == "started"
    (due,) = due_arrivals(bucket, storage, lambda _: False)
    assert due.arrival == environment.arrival(by_dag)
    Ledger(bucket).remember(due.arrival, due.run, due.noted)
    assert due.run == f"airflow:{run_id(due.arrival)}"
    assert environment.outcome(by_dag) == "already started"
    assert list(environment.starter.sweep()) == []
    assert list(due_arrivals(bucket, storage, lambda _: False)) == []


def published(environment: Environment, key: str) -> None:
    plan = {"flow": FLOW, "source_uri": f"s3://{environment.bucket.name}/{key}", "run_id": "r"}
    later = datetime.now(UTC) + timedelta(seconds=2)
    source_ledger.remember(environment.bucket, plan, 1, since=later.isoformat())


def test_bytes_of_the_other_orchestrators_run_are_a_duplicate_once_it_has_published(environment: Environment) -> None:
    bucket, storage = environment.bucket, environment.settings.storage
    environment.outcome(environment.put("raw/starter.csv", b"1"))
    environment.put("raw/copy.csv", b"1")
    (before,) = due_arrivals(bucket, storage, lambda _: True)
    published(environment, "raw/starter.csv")
    (after,) = due_arrivals(bucket, storage, lambda _: True)
    assert (before.outcome, after.outcome, after.reason) == ("start", "duplicate", "duplicate of raw/starter.csv")


def test_the_starter_reads_a_ledger_in_which_airflow_wrote(environment: Environment) -> None:
    by_dag = environment.arrival(environment.put("raw/dag.csv", b"2"))
    Ledger(environment.bucket).remember(by_dag, f"airflow:{run_id(by_dag)}", "started")
    published(environment, "raw/dag.csv")
    assert environment.outcome(environment.put("raw/copy.csv", b"2")) == "duplicate"
    unpublished = environment.arrival(environment.put("raw/other.csv", b"3"))
    Ledger(environment.bucket).remember(unpublished, f"airflow:{run_id(unpublished)}", "started")
    assert environment.outcome(environment.put("raw/copy of other.csv", b"3")) == "started"
