"""A release becomes current once all of it is there, stays in the bucket, and can become current again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.settings import load_settings
from deploy.__main__ import ROOT, deploy, main
from deploy.artifacts import artifacts, job_files, release_name
from deploy.errors import ConcurrentDeployError, ReleaseError
from deploy.releases import SCRIPTS, Pointer, move_pointer, pointer, put_release, releases, use_release
from localaws import LocalAWS
from tests import own_clients

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


def test_going_back_makes_the_earlier_release_current_and_uploads_nothing_else(
    clients: dict[str, Any], include: Callable[[str], Path]
) -> None:
    first, second = (put_release(clients, SETTINGS, include(name)) for name in ("first", "second"))
    written: list[str] = []
    clients["s3"].meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: written.append(params["url_path"])
    )
    assert use_release(clients, SETTINGS, first) == second
    assert current(clients) == {"release": first, "previous": second}
    assert releases_of_jobs(clients) == {first}
    assert [path.partition("artifacts/")[2] for path in written] == ["latest.json"]


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


def test_a_release_that_is_not_there_is_refused_with_those_that_are_the_newest_first(
    clients: dict[str, Any], include: Callable[[str], Path]
) -> None:
    with pytest.raises(ReleaseError, match="the bucket holds no complete release"):
        use_release(clients, SETTINGS, "0123456789ab")
    names = [put_release(clients, SETTINGS, include(name)) for name in ("first", "second")]
    assert sorted(releases(Bucket(clients["s3"], BUCKET))) == sorted(names)
    with pytest.raises(ReleaseError) as caught:
        use_release(clients, SETTINGS, "0123456789ab")
    assert "release '0123456789ab' is not in s3://" in str(caught.value)
    assert all(name in str(caught.value) for name in names)
    assert current(clients)["release"] == names[1]


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("glue.zip", None, r"lacks glue\.zip"),
        ("glue/audit_results.py", None, r"lacks glue/audit_results\.py"),
        ("training/train.py", None, "missing or changed"),
        ("training/train.py", b"# other\n", "missing or changed"),
    ],
)
def test_a_release_that_lacks_an_object_is_refused_and_nothing_moves(
    clients: dict[str, Any], include: Callable[[str], Path], path: str, content: bytes | None, reason: str
) -> None:
    first, second = (put_release(clients, SETTINGS, include(name)) for name in ("first", "second"))
    key = f"artifacts/{first}/{path}"
    if content is None:
        clients["s3"].delete_object(Bucket=BUCKET, Key=key)
    else:
        clients["s3"].put_object(Bucket=BUCKET, Key=key, Body=content)
    with pytest.raises(ReleaseError, match=reason):
        use_release(clients, SETTINGS, first)
    assert (current(clients)["release"], releases_of_jobs(clients)) == (second, {second})


def test_the_command_goes_back_and_refuses_an_unknown_release_in_one_line(
    aws: LocalAWS,
    clients: dict[str, Any],
    include: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = (put_release(clients, SETTINGS, include(name)) for name in ("first", "second"))
    own_clients.use(aws, monkeypatch)
    assert main(["--release", first]) == 0
    assert capsys.readouterr().out == f"release {first} is current again (before: {second})\n"
    assert main(["--release", "nothing"]) == 1
    assert re.fullmatch(r"deploy: release 'nothing' is not in s3://.*\n", capsys.readouterr().err)
