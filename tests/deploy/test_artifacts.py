"""A release is named by its content, and its archives are the same bytes each time."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from complaints.settings import load_settings
from deploy.artifacts import artifacts, job_files, release_name
from deploy.local import ROOT
from deploy.releases import SCRIPTS

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


def test_the_same_files_have_the_same_name_and_the_same_bytes_in_any_folder_and_order(tmp_path: Path) -> None:
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
def test_any_change_gives_another_name(tmp_path: Path, changed: dict[str, bytes]) -> None:
    before = job_files(include(tmp_path / "before", FILES))
    after = job_files(include(tmp_path / "after", changed))
    assert release_name(before) != release_name(after)


def test_moving_a_byte_to_the_next_file_changes_the_name() -> None:
    assert release_name({"a": b"", "b": b"c"}) != release_name({"a": b"bc"})


def test_caches_and_other_files_are_not_part_of_a_release(tmp_path: Path) -> None:
    clean = job_files(include(tmp_path / "clean", FILES))
    left = {"glue/__pycache__/reader.cpython-311.pyc": b"x", "glue/__pycache__/odd.py": b"x", "glue/notes.txt": b"x"}
    assert job_files(include(tmp_path / "used", FILES | left)) == clean


def test_each_archive_holds_the_modules_of_its_folder_at_its_top(tmp_path: Path) -> None:
    made = artifacts(job_files(include(tmp_path, FILES)))
    assert {*made} == {*FILES, "glue.zip", "training.tar.gz", "inference.tar.gz"}
    assert zipped(made["glue.zip"]) == {"prepare.py": b"import reader\n", "reader.py": b""}
    assert tarred(made["training.tar.gz"]) == {"train.py": b"1\n"}
    assert tarred(made["inference.tar.gz"]) == {"model.py": b"", "serve.py": b"import model\n"}


def test_the_release_of_include_holds_every_script_that_a_job_runs() -> None:
    made = artifacts(job_files(ROOT / "include"))
    assert {f"glue/{script}" for script in SCRIPTS} <= {*made}
    glue = {*zipped(made["glue.zip"])}
    assert {"exact_csv/tolerant_reader.py", "complaint_rows.py", "preparation.py", "run_files.py"} <= glue
    assert {"train.py", "model_folder.py"} <= {*tarred(made["training.tar.gz"])}
    assert {"inference.py", "trained_model.py", "pyproject.toml"} <= {*tarred(made["inference.tar.gz"])}


def test_an_unpacked_archive_can_be_read_by_its_owner(tmp_path: Path) -> None:
    packed = artifacts(job_files(include(tmp_path / "include", FILES)))["training.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        archive.extractall(tmp_path / "code", filter="data")
    assert os.access(tmp_path / "code" / "train.py", os.R_OK)
