"""What happens between the model's answers and what readers see: all of a run, right and once, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from complaints.aws.bucket import ConflictError
from complaints.runs.accounting import RowsMissingError
from complaints.runs.publishing import AuditedFileError, differences
from complaints.runs.results import ChangedResultError
from complaints.settings import load_settings
from complaints.tasks import classification
from laptop.report.collect import Results
from tests.campaign.environment import BUCKET, Environment, key_of, sha256

FILES = {"part-00000-b.snappy.parquet": b"PAR1 first", "part-00001-a.snappy.parquet": b"PAR1 second"}


@pytest.fixture
def plan(environment: Environment) -> dict[str, Any]:
    return classification.plan_classification("raw/")


@pytest.fixture
def account(environment: Environment, plan: dict[str, Any]) -> dict[str, Any]:
    return environment.put_audited(plan, FILES)


def test_a_manifest_says_what_was_made_of_what_and_where_it_is(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any]
) -> None:
    uri = classification.publish_manifest(plan, account)
    manifest = environment.get(key_of(uri))
    head = environment.s3.head_object(Bucket=BUCKET, Key="raw/a.csv")
    etag, arrived = head["ETag"].strip('"'), head["LastModified"].isoformat()
    assert manifest["inputs"] == [
        {"uri": f"s3://{BUCKET}/raw/a.csv", "etag": etag, "size": 11, "last_modified": arrived}
    ]
    assert manifest["arrived_at"] == arrived
    facts = ("run_id", "flow", "release", "configuration", "model_version", "model_sha256")
    assert {name: manifest[name] for name in facts} == {name: plan[name] for name in facts}
    assert (manifest["account"], manifest["unmapped"], manifest["quarantined_by_reason"]) == (account, 0, {})
    assert manifest["results"] == [
        {
            "key": f"results/{plan['run_id']}-{number:05d}-{sha256(content)[:16]}.parquet",
            "size": len(content),
            "rows": 1,
            "sha256": sha256(content),
        }
        for number, content in enumerate(FILES.values())
    ]
    assert environment.keys("results/") == [each["key"] for each in manifest["results"]]


def test_the_manifest_names_the_files_that_the_run_set_aside_and_they_are_reported_once_it_stands(
    environment: Environment, plan: dict[str, Any]
) -> None:
    aside = [{"source": f"s3://{BUCKET}/raw/b.csv.gz", "size": 9, "line": 7, "reason": "its gzip data end too early"}]
    account = environment.put_audited(plan, FILES, unreadable_files=aside)
    sns = boto3.client("sns", region_name="us-east-1")
    with pytest.raises(ClientError, match="NotFound"):  # there is no topic yet: the task is tried again
        classification.publish_manifest(plan, account)
    sns.create_topic(Name=load_settings().pipeline.aws.alerts_topic_arn.rpartition(":")[2])
    manifest = environment.get(key_of(classification.publish_manifest(plan, account)))
    assert manifest["unreadable_files"] == aside


def test_a_run_that_is_repeated_after_its_publication_changes_no_object(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any], tmp_path: Path
) -> None:
    uri = classification.publish_manifest(plan, account)
    before = environment.objects("results/") | environment.objects("manifests/run") | environment.objects("ledger/")
    # The job that is run again gives the same bytes under new names.
    for name in FILES:
        environment.s3.delete_object(Bucket=BUCKET, Key=f"{key_of(plan['candidate_uri'])}{name}")
    again = {name.replace("snappy", "again.snappy"): content for name, content in FILES.items()}
    assert classification.publish_manifest(plan, environment.put_audited(plan, again)) == uri
    after = environment.objects("results/") | environment.objects("manifests/run") | environment.objects("ledger/")
    assert after == before
    assert environment.visible(tmp_path / "read") == [*FILES.values()]


def test_other_content_of_a_published_run_is_refused_says_what_differs_and_changes_nothing(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any]
) -> None:
    classification.publish_manifest(plan, account)
    before = environment.objects("results/") | environment.objects("manifests/run")
    other = environment.put_audited(plan, FILES | {"part-00001-a.snappy.parquet": b"PAR1 other"}, unmapped=1)
    with pytest.raises(ConflictError, match=r"was published before with other .*: results was .*; unmapped was 0"):
        classification.publish_manifest(plan, other)
    assert environment.objects("results/") | environment.objects("manifests/run") == before


def test_the_same_bytes_put_again_as_another_version_are_the_same_run() -> None:
    first, second = (
        {"arrived_at": time, "inputs": [{"uri": "u", "etag": "e", "version": time, "last_modified": time}]}
        for time in "12"
    )
    assert differences(first, second) == []
    assert differences(first, {"inputs": [{"uri": "u", "etag": "f"}]}) != []


def test_a_candidate_that_is_not_what_was_audited_is_not_published(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any]
) -> None:
    key = f"{key_of(plan['candidate_uri'])}part-00001-a.snappy.parquet"
    environment.put(key, b"PAR1 changed")
    told = f"{key} has SHA-256 {sha256(b'PAR1 changed')}, but the audit found {sha256(b'PAR1 second')}"
    with pytest.raises(AuditedFileError, match=told):
        classification.publish_manifest(plan, account)
    environment.s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(AuditedFileError, match=f"{key} is missing"):
        classification.publish_manifest(plan, account)
    assert environment.keys("manifests/run_id=") == []
    # Nor its neighbour, which is sound: who reads the folder would see half a run.
    assert environment.keys("results/") == []


def test_another_object_under_a_results_name_is_not_overwritten(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any]
) -> None:
    key = f"results/{plan['run_id']}-00000-{sha256(b'PAR1 first')[:16]}.parquet"
    environment.put(key, b"somebody's")
    with pytest.raises(ConflictError, match="Results are never overwritten"):
        classification.publish_manifest(plan, account)
    assert environment.objects("results/")[key][0] == b"somebody's"
    assert environment.keys("manifests/run_id=") == []


def test_files_with_other_rows_than_were_classified_are_not_published(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any]
) -> None:
    with pytest.raises(RowsMissingError, match="the audited files hold 2 rows, but 3 rows were classified"):
        classification.publish_manifest(plan, account | {"classified": 3})


def test_a_reader_is_told_when_a_published_file_was_changed(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any], tmp_path: Path
) -> None:
    classification.publish_manifest(plan, account)
    (first, _) = environment.keys("results/")
    environment.put(first, b"PAR1 forged")
    with pytest.raises(ChangedResultError, match=f"{first} has SHA-256 .* says {sha256(b'PAR1 first')}"):
        Results(environment.s3, BUCKET).download_predictions(tmp_path / "read")
    assert [*(tmp_path / "read").iterdir()] == []


class WorkerDiedError(RuntimeError):
    """Stands for a worker that is killed at a call to S3."""


class Disturbed:
    """The session that the steps make their clients of: something happens at one of its calls to S3."""

    def __init__(self, moment: str, event: Callable[[], None]) -> None:
        self.session = boto3.Session()
        self.calls: list[str] = []
        self._at: int | None = None
        self._event = event
        self.session.events.register(f"{moment}.s3", self._called)

    def _called(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        if len(self.calls) == self._at:
            self._event()

    @contextmanager
    def at(self, call: int | None) -> Iterator[list[str]]:
        """Counts the calls from one; gives their names."""
        self.calls, self._at = [], call
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(boto3, "DEFAULT_SESSION", self.session)
            yield self.calls


def die() -> None:
    raise WorkerDiedError


def published(environment: Environment) -> dict[str, Any]:
    """All that there is, without the time of the publication, which is another each time."""
    found: dict[str, Any] = {key: content for key, (content, _) in environment.objects().items()}
    (entry,) = [key for key in found if key.startswith("ledger/sources/")]
    found[entry] = {name: value for name, value in environment.get(entry).items() if name != "since"}
    return found


@pytest.mark.parametrize("moment", ["before-call", "after-call"])
def test_a_worker_that_dies_at_any_call_leaves_nothing_visible_and_the_next_one_completes_it(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any], tmp_path: Path, moment: str
) -> None:
    worker = Disturbed(moment, die)
    with worker.at(None) as calls:
        classification.publish_manifest(plan, account)
    undisturbed, write = published(environment), calls.index("PutObject") + 1
    assert calls.count("CopyObject") == 2 < write < len(calls)

    for at in range(1, len(calls) + 1):
        environment.unpublish()
        with worker.at(at), pytest.raises(WorkerDiedError):
            classification.publish_manifest(plan, account)
        done = at > write or (moment == "after-call" and at == write)
        assert environment.visible(tmp_path / f"read-{at}") == ([*FILES.values()] if done else []), (at, calls[at - 1])
        classification.publish_manifest(plan, account)
        assert published(environment) == undisturbed, (at, calls[at - 1])


def test_of_two_workers_that_publish_at_once_both_succeed_whenever_the_other_comes_in_between(
    environment: Environment, plan: dict[str, Any], account: dict[str, Any]
) -> None:
    other = Disturbed("before-call", die)

    def publish_too() -> None:
        with other.at(None):
            classification.publish_manifest(plan, account)

    worker = Disturbed("before-call", publish_too)
    with worker.at(None) as calls:
        classification.publish_manifest(plan, account)
    undisturbed = published(environment)
    for at in range(1, len(calls) + 1):
        environment.unpublish()
        with worker.at(at):
            classification.publish_manifest(plan, account)
        assert published(environment) == undisturbed, (at, calls[at - 1])
