"""A release is its content: the same code has the same name and the same bytes, and jobs point at it."""

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from deploy.__main__ import ROOT, deploy
from deploy.artifacts import artifacts, job_files, release_name
from deploy.glue_jobs import job_definitions, put_jobs
from localaws import LocalAWS

SETTINGS = load_settings().pipeline
FILES = {
    "glue/prepare.py": b"import reader\n",
    "glue/reader.py": b"",
    "inference/serve.py": b"import model\n",
    "inference/model.py": b"",
    "training/train.py": b"1\n",
}


def include(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tarred(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def test_the_same_files_have_the_same_name_and_the_same_bytes_wherever_they_stand(tmp_path: Path) -> None:
    one = job_files(include(tmp_path / "one", FILES))
    other = job_files(include(tmp_path / "other", dict(reversed(FILES.items()))))
    for path in (tmp_path / "other").rglob("*.py"):
        path.chmod(0o700)
        os.utime(path, (1, 1))
    assert release_name(one) == release_name(other)
    assert artifacts(one) == artifacts(other)


@pytest.mark.parametrize(
    "changed",
    [
        FILES | {"training/train.py": b"2\n"},
        {name: content for name, content in FILES.items() if name != "inference/model.py"},
        FILES | {"glue/more.py": b""},
        {name.replace("reader", "writer"): content for name, content in FILES.items()},
        FILES | {"glue/prepare.py": b"import ", "glue/reader.py": b"reader\n"},
    ],
    ids=["a byte", "a file less", "a file more", "a name", "a byte in another file"],
)
def test_whatever_changes_gives_another_release(tmp_path: Path, changed: dict[str, bytes]) -> None:
    before = job_files(include(tmp_path / "before", FILES))
    after = job_files(include(tmp_path / "after", changed))
    assert release_name(before) != release_name(after)


def test_where_a_file_ends_is_part_of_a_releases_name() -> None:
    assert release_name({"a": b"", "b": b"c"}) != release_name({"a": b"bc"})


def test_what_python_leaves_behind_is_no_part_of_a_release(tmp_path: Path) -> None:
    clean = job_files(include(tmp_path / "clean", FILES))
    left = {"glue/__pycache__/reader.cpython-311.pyc": b"x", "glue/__pycache__/odd.py": b"x", "glue/notes.txt": b"x"}
    assert job_files(include(tmp_path / "used", FILES | left)) == clean


def test_each_archive_holds_the_modules_of_its_room_at_its_top(tmp_path: Path) -> None:
    made = artifacts(job_files(include(tmp_path, FILES)))
    assert {*made} == {*FILES, "glue.zip", "training.tar.gz", "inference.tar.gz"}
    assert zipped(made["glue.zip"]) == {"prepare.py": b"import reader\n", "reader.py": b""}
    assert tarred(made["training.tar.gz"]) == {"train.py": b"1\n"}
    assert tarred(made["inference.tar.gz"]) == {"model.py": b"", "serve.py": b"import model\n"}


def test_the_real_release_holds_what_the_jobs_name() -> None:
    made = artifacts(job_files(ROOT / "include"))
    scripts = {each["Command"]["ScriptLocation"] for each in job_definitions(SETTINGS, "r").values()}
    start = f"s3://{SETTINGS.storage.bucket}/artifacts/r/"
    assert {script.removeprefix(start) for script in scripts} <= {*made}
    glue = {*zipped(made["glue.zip"])}
    assert {"exact_csv/records.py", "complaint_rows.py", "preparation.py", "run_files.py"} <= glue
    assert {"train.py", "model_folder.py"} <= {*tarred(made["training.tar.gz"])}
    assert {"inference.py", "trained_model.py"} <= {*tarred(made["inference.tar.gz"])}


def test_an_unpacked_archive_can_be_read_by_its_owner(tmp_path: Path) -> None:
    packed = artifacts(job_files(include(tmp_path / "include", FILES)))["training.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        archive.extractall(tmp_path / "code", filter="data")
    assert os.access(tmp_path / "code" / "train.py", os.R_OK)


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAWS]:
    with LocalAWS(tmp_path) as running:
        running.client("s3").create_bucket(Bucket=SETTINGS.storage.bucket)
        yield running


def deployed(aws: LocalAWS) -> str:
    return deploy(SETTINGS, {name: aws.client(name) for name in ("s3", "glue")})


def keys(aws: LocalAWS) -> dict[str, bytes]:
    s3, bucket = aws.client("s3"), SETTINGS.storage.bucket
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}


def test_a_deployment_puts_the_release_under_its_name_and_new_plans_find_it(aws: LocalAWS) -> None:
    release = deployed(aws)
    expected = {f"artifacts/{release}/{key}": each for key, each in artifacts(job_files(ROOT / "include")).items()}
    expected["artifacts/latest.json"] = f'{{"release": "{release}"}}'.encode()
    assert {key: each for key, each in keys(aws).items() if key.startswith("artifacts/")} == expected


def test_the_runbook_of_each_flow_is_where_notifications_link_to(aws: LocalAWS) -> None:
    deployed(aws)
    runbooks = {key: each for key, each in keys(aws).items() if key.startswith("runbooks/")}
    assert runbooks.keys() == {"runbooks/complaints_classification.md", "runbooks/complaints_training.md"}
    assert all(b"**If it fails.**" in page for page in runbooks.values())


def test_a_deployment_makes_the_jobs_that_the_flows_start(aws: LocalAWS) -> None:
    release = deployed(aws)
    for name, definition in job_definitions(SETTINGS, release).items():
        job: dict[str, Any] = aws.client("glue").get_job(JobName=name)["Job"]
        assert {key: job[key] for key in definition} == definition
        assert release in job["Command"]["ScriptLocation"]


def test_a_deployment_done_again_changes_nothing(aws: LocalAWS) -> None:
    first, objects = deployed(aws), keys(aws)
    assert (deployed(aws), keys(aws)) == (first, objects)
    assert len(aws.client("glue").list_jobs()["JobNames"]) == 3


def test_a_later_release_is_what_existing_jobs_run(aws: LocalAWS) -> None:
    glue = aws.client("glue")
    for release in ("one", "two"):
        put_jobs(glue, job_definitions(SETTINGS, release))
    jobs = [glue.get_job(JobName=name)["Job"] for name in job_definitions(SETTINGS, "two")]
    assert {job["DefaultArguments"]["--extra-py-files"] for job in jobs} == {
        f"s3://{SETTINGS.storage.bucket}/artifacts/two/glue.zip"
    }
    assert all("/artifacts/two/glue/" in job["Command"]["ScriptLocation"] for job in jobs)


def test_a_glue_job_never_retries_by_itself() -> None:
    assert {each["MaxRetries"] for each in job_definitions(SETTINGS, "r").values()} == {0}
