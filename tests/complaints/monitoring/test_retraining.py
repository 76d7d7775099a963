"""The guard of automatic retraining: once, not soon again, only with new labels, never in a loop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config

from complaints.aws.bucket import Bucket
from complaints.monitoring.retraining import LOCKS, claimed, locks_in, start_dag_run, verdict
from complaints.settings import load_settings
from tests.campaign.faults import Fault, injects

LIMITS = load_settings().model.monitoring
NOW = "2026-11-28T12:00:00+00:00"


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="monitored")
    return Bucket(client, "monitored")


def asked(locks: dict[str, Any] | None = None, **altered: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "version": "v3",
        "run_id": "a-run",
        "now": NOW,
        "new_labels": 400,
        "history_is_new": True,
        "limits": LIMITS,
    }
    return {**verdict(locks or {}, **{**given, **altered})}


def alarm(bucket: Bucket, run_id: str, version: str = "v3", now: str = NOW) -> str:
    found = verdict(
        locks_in(bucket), version=version, run_id=run_id, now=now, new_labels=400, history_is_new=True, limits=LIMITS
    )
    return claimed(bucket, found, version=version, run_id=run_id, now=now)["action"]


@injects(Fault.REPEATED_ALARM)
def test_the_same_alarm_five_times_retrains_once(bucket: Bucket) -> None:
    assert [alarm(bucket, f"run-{number}") for number in range(5)] == ["retrain", "tell", "tell", "tell", "tell"]
    assert [*locks_in(bucket)] == ["v3"]


def test_a_repeated_task_finds_the_lock_that_it_wrote(bucket: Bucket) -> None:
    assert [alarm(bucket, "run-1") for _ in range(3)] == ["retrain"] * 3


@injects(Fault.RETRAINED_ALARMS)
def test_a_retrained_model_that_still_alarms_calls_a_person(bucket: Bucket) -> None:
    assert alarm(bucket, "run-1", "v3") == "retrain"
    assert alarm(bucket, "run-2", "v4", now="2026-11-30T12:00:00+00:00") == "person"
    assert [*locks_in(bucket)] == ["v3"], "no other retraining was started"


def test_after_the_cool_down_another_version_may_be_retrained(bucket: Bucket) -> None:
    assert alarm(bucket, "run-1", "v3") == "retrain"
    assert alarm(bucket, "run-2", "v4", now="2026-12-05T12:00:00+00:00") == "retrain"


def test_a_retraining_that_changed_nothing_calls_a_person_after_the_cool_down(bucket: Bucket) -> None:
    assert alarm(bucket, "run-1") == "retrain"
    assert alarm(bucket, "run-2", now="2026-12-06T12:00:00+00:00") == "person"


def test_of_two_that_race_one_gets_the_lock(bucket: Bucket) -> None:
    both = [
        verdict({}, version="v3", run_id=run, now=NOW, new_labels=400, history_is_new=True, limits=LIMITS)
        for run in "ab"
    ]
    found = [
        claimed(bucket, each, version="v3", run_id=run, now=NOW)["action"] for each, run in zip(both, "ab", strict=True)
    ]
    assert found == ["retrain", "tell"]
    assert bucket.read_json(f"{LOCKS}v3.json") == {"version": "v3", "run_id": "a", "at": NOW}


@pytest.mark.parametrize(
    ("altered", "reason"),
    [
        ({"new_labels": 299}, "299 new labels are too few: 300 are needed"),
        ({"history_is_new": False}, "nothing has been added to the history"),
        ({"limits": LIMITS.model_copy(update={"retrain": False})}, "monitoring.retrain is false"),
    ],
)
def test_without_new_labels_or_if_it_is_turned_off_it_only_tells(altered: dict[str, Any], reason: str) -> None:
    found = asked(**altered)
    assert found["action"] == "tell"
    assert reason in found["reason"]


class Mwaa(BaseHTTPRequestHandler):
    """MWAA's InvokeRestApi before an Airflow that answers with the status of its server."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, request))  # type: ignore[attr-defined]
        code = self.server.code  # type: ignore[attr-defined]
        self.send_response(200 if code == 200 else 400)
        if code != 200:
            self.send_header("x-amzn-ErrorType", "RestApiClientException")
        self.end_headers()
        self.wfile.write(json.dumps({"RestApiStatusCode": code, "RestApiResponse": {}}).encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def mwaa(code: int) -> Iterator[tuple[Any, list[tuple[str, Any]]]]:
    """A client of MWAA, and what it was asked."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Mwaa) as server:
        asked: list[tuple[str, Any]] = []
        server.code, server.asked = code, asked  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        # Its hosts begin with the name of the service's part, which an address cannot.
        config = Config(inject_host_prefix=False, proxies={}, retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
        yield boto3.session.Session().client("mwaa", endpoint_url=address, config=config, **keys), asked
        server.shutdown()


@pytest.mark.parametrize("code", [200, 409])
def test_a_run_is_started_in_mwaa_by_a_name_that_a_second_start_finds_taken(code: int) -> None:
    with mwaa(code) as (client, asked):
        start_dag_run(client, "ptmlops-prod", "retrain-v1-alarm-1")
    body = {"dag_run_id": "retrain-v1-alarm-1", "logical_date": None, "conf": {}}
    request = {"Path": "/dags/complaints_training/dagRuns", "Method": "POST", "Body": body}
    assert asked == [("/restapi/ptmlops-prod", request)]


def test_an_airflow_that_refuses_the_run_is_an_error() -> None:
    with mwaa(404) as (client, _), pytest.raises(client.exceptions.RestApiClientException):
        start_dag_run(client, "ptmlops-prod", "retrain-v1-alarm-1")
