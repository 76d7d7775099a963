"""The arrivals that are due when no event announces them: each version once, in one ledger with the starter."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from complaints.arrivals.dag_runs import DagRuns
from complaints.arrivals.decision import Decision, Decisions, RunState
from complaints.arrivals.events import Arrival
from complaints.arrivals.ledger import FLOW, Entry, Ledger, Run
from complaints.aws.bucket import Bucket
from complaints.runs import source_ledger
from complaints.settings import load_settings
from complaints.tasks import arrivals
from tests.stepfunctions.handlers.conftest import Environment

STORAGE = load_settings().pipeline.storage
LONGEST = load_settings().pipeline.orchestration.run_timeout


class Files:
    """The bucket of the settings, and the tasks of one run of the DAG; `states` are those of Airflow's runs."""

    def __init__(self, s3: Any, versioned: bool) -> None:
        self.s3, self.bucket = s3, Bucket(s3, STORAGE.bucket)
        self.states: dict[str, RunState] = {}
        s3.create_bucket(Bucket=STORAGE.bucket)
        if versioned:
            s3.put_bucket_versioning(Bucket=STORAGE.bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, *keys: str, body: bytes | None = None) -> None:
        for key in keys:
            content = key.encode() if body is None else body
            self.s3.put_object(Bucket=STORAGE.bucket, Key=key, Body=content)

    def state_of(self, run: str) -> RunState:
        return self.states.get(run, "running")

    def due(self) -> list[tuple[str, str]]:
        decisions = Decisions(self.bucket, STORAGE, DagRuns(self.state_of), longest_run=LONGEST)
        return [(each.arrival.key, each.outcome) for each in decisions.all_due()]

    def end(self, key: str, state: RunState) -> None:
        """The run of a key ends."""
        (run,) = [entry.run.id for entry in self.entries() if entry.key == key and entry.outcome == "started"]
        self.states[run] = state

    def entries(self) -> list[Entry]:
        return [Entry.read(self.bucket.read_json(each.key)) for each in self.bucket.objects("ledger/versions/")]

    def found(self) -> list[dict[str, Any]]:
        found = arrivals.to_start(self.state_of)
        assert json.loads(json.dumps(found)) == found  # it is an XCom
        return found

    def started(self) -> list[dict[str, Any]]:
        """What a run of the DAG starts."""
        found = self.found()
        arrivals.remember(found)
        return [each["run"]["conf"] for each in found]

    def ledger(self) -> dict[str, str]:
        return {entry.key: entry.outcome for entry in self.entries()}


@pytest.fixture(params=[False, True], ids=["unversioned", "versioned"])
def files(in_memory_aws: None, request: pytest.FixtureRequest) -> Files:
    return Files(boto3.client("s3", region_name="us-east-1"), request.param)


def test_each_file_and_each_completed_batch_is_started_once_oldest_first(files: Files) -> None:
    assert not arrivals.is_anything_due(files.state_of)
    files.put("raw/b.csv", "raw/2026/a b.csv.gz", "raw/batches/may/1.csv", "raw/batches/may/2.csv")
    assert arrivals.is_anything_due(files.state_of)
    started = files.started()
    assert sorted(each["source"] for each in started) == ["raw/2026/a b.csv.gz", "raw/b.csv"]
    assert all(len(each["etag"]) == 32 for each in started)
    assert not arrivals.is_anything_due(files.state_of)
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
    assert not arrivals.is_anything_due(files.state_of)
    files.put("raw/a;b.csv", body=b"other bytes")
    assert files.due() == [("raw/a;b.csv", "rejected")]


def test_the_same_bytes_under_another_key_wait_for_the_first_run_and_are_noted_once_it_has_succeeded(
    files: Files,
) -> None:
    files.put("raw/a.csv", "raw/b.csv", body=b"same")
    assert files.due() == [("raw/a.csv", "start"), ("raw/b.csv", "pending")]
    assert [each["source"] for each in files.started()] == ["raw/a.csv"]
    files.put("raw/c.csv", body=b"same")
    assert files.started() == []
    assert not arrivals.is_anything_due(files.state_of)
    assert files.ledger() == {"raw/a.csv": "started"}
    files.end("raw/a.csv", "succeeded")
    assert files.started() == []
    expected = {"raw/a.csv": "started", "raw/b.csv": "duplicate of raw/a.csv", "raw/c.csv": "duplicate of raw/a.csv"}
    assert files.ledger() == expected
    assert files.due() == []


def test_a_file_that_is_renamed_while_its_run_is_under_way_is_started_if_that_run_fails(files: Files) -> None:
    files.put("raw/a.csv", body=b"same")
    files.started()
    files.put("raw/b.csv", body=b"same")
    files.s3.delete_object(Bucket=STORAGE.bucket, Key="raw/a.csv")
    assert files.started() == []
    files.end("raw/a.csv", "failed")
    assert [each["source"] for each in files.started()] == ["raw/b.csv"]
    assert files.ledger() == {"raw/a.csv": "started", "raw/b.csv": "started"}
    files.put("raw/c.csv", body=b"same")
    assert files.due() == [("raw/c.csv", "pending")]  # now of b


def test_a_batch_that_is_delivered_again_is_a_new_batch_and_the_same_file_is_not_a_new_file(files: Files) -> None:
    files.put("raw/a.csv", "raw/batches/may/1.csv")
    files.put("raw/batches/may/_SUCCESS", body=b"")
    assert len(files.started()) == 2
    time.sleep(1.1)  # S3's clock has seconds
    files.put("raw/batches/may/2.csv")
    assert files.started() == []
    files.put("raw/batches/may/_SUCCESS", body=b"")
    assert files.started() == [{"source": "raw/batches/may/"}]
    assert files.started() == []


def listing(*keys: str) -> str:
    """ListObjectVersions with EncodingType=url, as S3 returns it."""
    entry = (
        "<Version><Key>{}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><Size>9</Size>"
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;{}&quot;</ETag></Version>"
    )
    entries = "".join(entry.format(quote(key, "/"), number) for number, key in enumerate(keys))
    head = "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
    return f"<ListVersionsResult>{head}{entries}</ListVersionsResult>"


def test_a_key_with_control_characters_is_reported_once_and_every_other_file_is_started(
    in_memory_aws: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = Files(boto3.client("s3", region_name="us-east-1"), versioned=False)
    asked = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        asked.append(request.url)
        response = AWSResponse(request.url, 200, {}, None)
        response._content = listing("raw/a\x01\n.csv", "raw/b\x1b[2J.csv", "raw/good.csv").encode()
        return response

    files.s3.meta.events.register("before-send.s3.ListObjectVersions", answer)
    monkeypatch.setattr(arrivals, "environment_bucket", lambda _: files.bucket)
    assert [each["source"] for each in files.started()] == ["raw/good.csv"]
    assert all("encoding-type=url" in url for url in asked), "XML cannot hold such keys unless they are encoded"
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert all("may not be read: rename it" in each and each.isprintable() for each in warnings)
    assert not arrivals.is_anything_due(files.state_of)


def test_an_entry_of_before_is_read_and_a_new_one_has_no_execution_arn(files: Files) -> None:
    files.put("raw/a.csv")
    (first,) = files.found()
    arrivals.remember([first])
    (key,) = [each.key for each in files.bucket.objects("ledger/versions/")]
    document = files.bucket.read_json(key) or {}
    run = {"orchestrator": "airflow", "id": first["run"]["trigger_run_id"]}
    assert document["run"] == run
    assert "execution_arn" not in document
    old = {name: document[name] for name in document if name != "run"}
    assert Entry.read({**old, "execution_arn": f"airflow:{run['id']}"}) == Entry.read(document)
    assert Entry.read({**old, "execution_arn": "arn:aws:states:1"}).run == Run("step-functions", "arn:aws:states:1")


def test_more_files_than_airflow_maps_a_task_over_have_their_turn_one_run_later(
    in_memory_aws: None,
) -> None:
    files = Files(boto3.client("s3", region_name="us-east-1"), versioned=False)
    files.put(*(f"raw/{number:03}.csv" for number in range(arrivals.MOST_AT_ONCE + 1)))
    assert [len(files.started()) for _ in range(3)] == [arrivals.MOST_AT_ONCE, 1, 0]


def decisions(environment: Environment, state: RunState, longest_run: timedelta = LONGEST) -> list[Decision]:
    """What Airflow would decide, of whose runs all are in one state."""
    storage, runs = environment.settings.storage, DagRuns(lambda _: state)
    return list(Decisions(environment.bucket, storage, runs, longest_run=longest_run).all_due())


def remember(environment: Environment, arrival: Arrival) -> Run:
    run = DagRuns.run_of(arrival)
    Ledger(environment.bucket).remember(arrival, run, "started")
    return run


def test_what_the_starter_started_is_not_due_and_the_other_way_round(environment: Environment) -> None:
    by_starter, by_dag = environment.put("raw/starter.csv", b"1"), environment.put("raw/dag.csv", b"2")
    assert environment.outcome(by_starter) == "started"
    (due,) = decisions(environment, "failed")
    assert due.arrival.object.is_the_same_as(environment.arrival(by_dag).object)
    assert due.run == remember(environment, due.arrival)
    assert environment.outcome(by_dag) == "already started"
    assert list(environment.starter.sweep()) == []
    assert decisions(environment, "failed") == []


def published(environment: Environment, key: str) -> None:
    plan: Any = {"flow": FLOW, "source_uri": f"s3://{environment.bucket.name}/{key}", "run_id": "r"}
    later = datetime.now(UTC) + timedelta(seconds=2)
    source_ledger.remember(environment.bucket, plan, 1, since=later.isoformat())


def test_bytes_of_the_other_orchestrators_run_wait_until_it_has_published_or_no_run_takes_that_long(
    environment: Environment,
) -> None:
    environment.outcome(environment.put("raw/starter.csv", b"1"))
    environment.put("raw/copy.csv", b"1")
    (meanwhile,) = decisions(environment, "failed")
    (too_late,) = decisions(environment, "failed", longest_run=timedelta(0))
    published(environment, "raw/starter.csv")
    (after,) = decisions(environment, "failed")
    assert [each.outcome for each in (meanwhile, too_late, after)] == ["pending", "start", "duplicate"]
    assert after.reason == "duplicate of raw/starter.csv"


def test_the_starter_reads_a_ledger_in_which_airflow_wrote(environment: Environment) -> None:
    remember(environment, environment.arrival(environment.put("raw/dag.csv", b"2")))
    published(environment, "raw/dag.csv")
    assert environment.outcome(environment.put("raw/copy.csv", b"2")) == "duplicate"
    remember(environment, environment.arrival(environment.put("raw/other.csv", b"3")))
    assert environment.outcome(environment.put("raw/copy of other.csv", b"3")) == "pending"
