"""What is copied into the inbox is uploaded once, when it is complete, and again when it is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from laptop.inputs import InputError
from laptop.servers.inbox import Inbox
from localaws.server.endpoint import LocalAWS

BUCKET = "complaints"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with LocalAWS(tmp_path_factory.mktemp("aws")) as aws:
        client = aws.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix of the test's own."""
    return f"{request.node.name}/"


@pytest.fixture
def inbox(folder: Path, s3: Any, prefix: str, tmp_path: Path) -> Inbox:
    return Inbox(folder, s3, BUCKET, prefix, tmp_path / "inbox.json")


def arrived(s3: Any, prefix: str) -> dict[str, bytes]:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {
        each["Key"].removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found
    }


def looks(inbox: Inbox, times: int = 2) -> list[str]:
    return [line for _ in range(times) for line in inbox.look()]


def test_a_file_is_uploaded_when_two_looks_find_it_the_same(inbox: Inbox, folder: Path, s3: Any, prefix: str) -> None:
    (folder / "a.csv").write_bytes(b"half")
    assert looks(inbox, 1) == []
    (folder / "a.csv").write_bytes(b"half and half")
    assert looks(inbox, 1) == []
    assert looks(inbox, 1) == [f"inbox: a.csv → s3://{BUCKET}/{prefix}a.csv"]
    assert arrived(s3, prefix) == {"a.csv": b"half and half"}


def test_nothing_is_sent_twice_not_after_a_restart_either(
    inbox: Inbox, folder: Path, s3: Any, prefix: str, tmp_path: Path
) -> None:
    (folder / "a.csv").write_bytes(b"rows")
    assert len(looks(inbox, 5)) == 1
    assert looks(Inbox(folder, s3, BUCKET, prefix, tmp_path / "inbox.json"), 5) == []


def test_a_file_that_is_replaced_is_sent_again_even_by_one_of_its_size(
    inbox: Inbox, folder: Path, s3: Any, prefix: str
) -> None:
    (folder / "a.csv").write_bytes(b"old")
    looks(inbox)
    (folder / "a.csv").write_bytes(b"new")
    os.utime(folder / "a.csv", ns=(1, 1))
    assert len(looks(inbox)) == 1
    assert arrived(s3, prefix) == {"a.csv": b"new"}


def test_what_is_not_a_complaints_file_gets_one_line_that_says_why(
    inbox: Inbox, folder: Path, s3: Any, prefix: str
) -> None:
    (folder / "notes.txt").write_bytes(b"x")
    (folder / "empty.csv").touch()
    assert looks(inbox, 5) == [
        "inbox: empty.csv is passed over: empty",
        "inbox: notes.txt is passed over: no .csv, .csv.gz or .zip file",
    ]
    (folder / "empty.csv").write_bytes(b"no longer")
    looks(inbox)
    assert arrived(s3, prefix) == {"empty.csv": b"no longer"}


def test_unfinished_copies_and_folders_are_passed_over_without_a_word(
    inbox: Inbox, folder: Path, s3: Any, prefix: str
) -> None:
    for name in ("_a.csv", ".b.csv"):
        (folder / name).write_bytes(b"x")
    (folder / "deep.csv").mkdir()
    assert looks(inbox, 5) == []
    (folder / ".b.csv").rename(folder / "b.csv")
    looks(inbox)
    assert [*arrived(s3, prefix)] == ["b.csv"]


def test_a_name_with_spaces_and_accents_is_the_key(inbox: Inbox, folder: Path, s3: Any, prefix: str) -> None:
    (folder / "März 2026 (1).csv").write_bytes(b"x")
    looks(inbox)
    assert [*arrived(s3, prefix)] == ["März 2026 (1).csv"]


def test_an_upload_that_fails_is_told_once_and_tried_again_when_the_file_is_touched(
    folder: Path, s3: Any, prefix: str, tmp_path: Path
) -> None:
    broken = Inbox(folder, s3, "no-such-bucket", prefix, tmp_path / "inbox.json")
    (folder / "a.csv").write_bytes(b"x")
    (line,) = looks(broken, 5)
    assert line.startswith("inbox: a.csv could not be uploaded: ")
    assert "NoSuchBucket" in line
    os.utime(folder / "a.csv", ns=(2, 2))
    assert len(looks(broken, 5)) == 1


def test_an_inbox_that_vanishes_meanwhile_is_no_reason_to_stop(inbox: Inbox, folder: Path) -> None:
    folder.rmdir()
    assert looks(inbox) == []


def test_an_inbox_that_does_not_exist_is_refused_by_name(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"INBOX=.*inbx: no such folder"):
        Inbox(tmp_path / "inbx", s3, BUCKET, "raw/", tmp_path / "inbox.json")
