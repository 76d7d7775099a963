"""A release becomes current once all of it is there, stays in the bucket, and can become current again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.settings import load_settings
from deploy.artifacts import artifacts, job_files, release_name
from deploy.errors import ConcurrentDeployError
from deploy.local import ROOT, deploy
from deploy.releases import SCRIPTS, Pointer, move_pointer, pointer, put_release
from localaws import LocalAWS

SETTINGS = load_settings().pipeline
BUCKET = SETTINGS.storage.bucket
CURRENT = "artifacts/latest.json"
JOBS = [value for name, value in SETTINGS.glue if name.endswith("_job")]


@pytest.fixture
def clients(aws: LocalAWS) -> dict[str, Any]:
    return {name: aws.client(name) for name in ("s3", "glue", "cloudformation")}


@pytest.fixture
def include(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a folder of job scripts, each with the given text in it."""

    def make(text: str) -> Path:
        folder = tmp_path / text
        for name in (*(f"glue/{script}" for script in SCRIPTS), "training/train.py", "inference/inference.py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"# {text}\n", encoding="utf-8")
        return folder

    return make


def keys(clients: dict[str, Any], prefix: str = "") -> dict[str, bytes]:
    listed = clients["s3"].list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {each["Key"]: clients["s3"].get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listed}


def current(clients: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(clients["s3"].get_object(Bucket=BUCKET, Key=CURRENT)["Body"].read())
    return document


def releases_of_jobs(clients: dict[str, Any]) -> set[str]:
    """The releases that the Glue jobs run, script and modules."""
    jobs = [clients["glue"].get_job(JobName=name)["Job"] for name in JOBS]
    uris = [
        uri for job in jobs for uri in (job["Command"]["ScriptLocation"], job["DefaultArguments"]["--extra-py-files"])
    ]
    return {uri.removeprefix(f"s3://{BUCKET}/artifacts/").partition("/")[0] for uri in uris}


def test_a_deployment_uploads_the_release_of_include_and_makes_it_current(clients: dict[str, Any]) -> None:
    release = deploy(SETTINGS, clients)
    expected = {f"artifacts/{release}/{key}": each for key, each in artifacts(job_files(ROOT / "include")).items()}
    assert {key: each for key, each in keys(clients, "artifacts/").items() if key != CURRENT} == expected
    assert current(clients) == {"release": release, "previous": None}


def test_a_deployment_uploads_the_runbook_of_each_flow(clients: dict[str, Any]) -> None:
    deploy(SETTINGS, clients)
    runbooks = keys(clients, "runbooks/")
    assert {*runbooks} == {f"runbooks/{page.name}" for page in (ROOT / "docs" / "flows").glob("*.md")}
    assert {"runbooks/complaints_classification.md", "runbooks/complaints_training.md"} <= {*runbooks}
    assert all(b"## Runbook" in page for page in runbooks.values())


def test_a_deployment_creates_the_glue_jobs_that_the_flows_start(clients: dict[str, Any]) -> None:
    release = deploy(SETTINGS, clients)
    assert {*clients["glue"].list_jobs()["JobNames"]} == {*JOBS}
    assert releases_of_jobs(clients) == {release}


def test_deploying_the_same_code_again_changes_nothing(clients: dict[str, Any]) -> None:
    first, objects = deploy(SETTINGS, clients), keys(clients)
    assert (deploy(SETTINGS, clients), keys(clients)) == (first, objects)
    assert len(clients["glue"].list_jobs()["JobNames"]) == len(SCRIPTS)


def test_a_later_release_replaces_the_earlier_one_which_stays_and_is_named_as_previous(
    clients: dict[str, Any], include: Callable[[str], Path]
) -> None:
    first = put_release(clients, SETTINGS, include("first"))
    objects = keys(clients, f"artifacts/{first}/")
    second = put_release(clients, SETTINGS, include("second"))
    assert current(clients) == {"release": second, "previous": first}
    assert releases_of_jobs(clients) == {second}
    assert keys(clients, f"artifacts/{first}/") == objects


def test_the_pointer_moves_only_after_every_object_and_job_is_there(
    clients: dict[str, Any], include: Callable[[str], Path]
) -> None:
    put_release(clients, SETTINGS, include("first"))
    files = job_files(include("second"))
    expected = release_name(files)
    seen: list[tuple[set[str], int]] = []

    def before_put(params: dict[str, Any], **_: Any) -> None:
        if params["url_path"].endswith(CURRENT):
            seen.append((releases_of_jobs(clients), len(keys(clients, f"artifacts/{expected}/"))))

    clients["s3"].meta.events.register("before-call.s3.PutObject", before_put)
    put_release(clients, SETTINGS, include("second"))
    assert seen == [({expected}, len(artifacts(files)))]


def test_of_two_deployments_that_read_the_same_pointer_one_wins_and_the_other_fails(clients: dict[str, Any]) -> None:
    bucket = Bucket(clients["s3"], BUCKET)
    for before in (Pointer(None, None, None), None):
        read = before or pointer(bucket)
        move_pointer(bucket, f"first-after-{read.release}", read)
        with pytest.raises(ConcurrentDeployError, match=rf"made release first-after-{read.release} current"):
            move_pointer(bucket, "second", read)
        assert pointer(bucket).release == f"first-after-{read.release}"


def test_a_deployment_that_is_overtaken_does_not_move_the_pointer(
    clients: dict[str, Any], include: Callable[[str], Path]
) -> None:
    put_release(clients, SETTINGS, include("first"))
    events, moment = clients["cloudformation"].meta.events, "before-call.cloudformation.CreateChangeSet"
    overtaking: list[str] = []

    def overtake(**_: Any) -> None:
        events.unregister(moment, overtake)
        overtaking.append(put_release(clients, SETTINGS, include("faster")))

    events.register(moment, overtake)
    with pytest.raises(ConcurrentDeployError, match="deploy the one you want again"):
        put_release(clients, SETTINGS, include("slower"))
    assert current(clients)["release"] == overtaking[0]
