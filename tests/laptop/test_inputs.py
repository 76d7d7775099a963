"""What a person names is found, plain or compressed, and keeps its name; what cannot be used is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

from laptop.inputs import InputError, complaints_files, upload


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv.gz", "C.ZIP", "deep/d.csv", "notes.txt", "empty.csv", "x.gz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"" if name.startswith("empty") else name.encode())
    return tmp_path


def test_a_folder_is_searched_to_the_bottom_for_complaints_plain_or_compressed(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in complaints_files([folder])]
    assert found == ["C.ZIP", "a.csv.gz", "b.csv", "deep/d.csv"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notes.txt", "not a .csv, .csv.gz or .zip file"),
        ("x.gz", "not a .csv, .csv.gz or .zip file"),
        ("empty.csv", "the file is empty"),
        ("absent.zip", "no such file or folder"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(folder: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        complaints_files([folder / name])


def test_what_is_uploaded_keeps_its_suffix_and_its_order(folder: Path, in_memory_aws: None) -> None:
    s3: Any = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    upload(s3, "bucket", "sorted/", [folder / "a.csv.gz", folder / "b.csv"])
    upload(s3, "bucket", "turned/", [folder / "b.csv", folder / "a.csv.gz", folder / "C.ZIP"])
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert keys == ["sorted/a.csv.gz", "sorted/b.csv", "turned/000-b.csv", "turned/001-a.csv.gz", "turned/002-C.ZIP"]
