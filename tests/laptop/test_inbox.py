"""The inbox uploads each file once, when it is complete, and again when it is replaced."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from laptop.inputs import InputError
from laptop.servers.inbox import Inbox
from tests.laptop.conftest import BUCKET


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix of the test's own."""
    return f"{request.node.name}/"


def scanned_each_second(folder: Path, s3: Any, bucket: str, prefix: str, tmp_path: Path) -> Inbox:
    """An inbox whose clock goes on by a second with each scan, and that waits for a second."""
    return Inbox(folder, s3, bucket, prefix, tmp_path / "inbox.json", 1, count().__next__)


@pytest.fixture
def inbox(folder: Path, s3: Any, prefix: str, tmp_path: Path) -> Inbox:
    return scanned_each_second(folder, s3, BUCKET, prefix, tmp_path)


def arrived(s3: Any, prefix: str) -> dict[str, bytes]:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {
        each["Key"].removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found
    }


def news(inbox: Inbox, scans: int = 2) -> list[str]:
    return [message for _ in range(scans) for message in inbox.news()]


def uploaded(prefix: str, name: str) -> str:
    return f"inbox: {name} was uploaded to s3://{BUCKET}/{prefix}{name}, and will be classified"


def test_a_slow_copy_is_uploaded_once_it_no_longer_changes(inbox: Inbox, folder: Path, s3: Any, prefix: str) -> None:
    (folder / "a.csv").write_bytes(b"half")
    assert news(inbox, 1) == []
    (folder / "a.csv").write_bytes(b"half and half")
    assert news(inbox, 1) == ["inbox: a.csv is being written; it is uploaded once unchanged for 1 s"]
    (folder / "a.csv").write_bytes(b"half and half and half")
    assert news(inbox, 1) == []
    assert news(inbox, 1) == [uploaded(prefix, "a.csv")]
    assert arrived(s3, prefix) == {"a.csv": b"half and half and half"}


def test_the_time_that_a_file_must_not_change_can_be_set(folder: Path, s3: Any, prefix: str, tmp_path: Path) -> None:
    patient = Inbox(folder, s3, BUCKET, prefix, tmp_path / "inbox.json", 5, count().__next__)
    (folder / "a.csv").write_bytes(b"rows")
    assert news(patient, 5) == []
    assert news(patient, 1) == [uploaded(prefix, "a.csv")]


def test_a_file_that_is_copied_under_another_name_is_uploaded_as_soon_as_it_is_renamed(
    inbox: Inbox, folder: Path, s3: Any, prefix: str
) -> None:
    (folder / "a.csv.part").write_bytes(b"rows")
    (message,) = news(inbox, 5)
    assert message.startswith("inbox: a.csv.part waits: '.part' is the end of an unfinished copy's name")
    (folder / "a.csv.part").rename(folder / "a.csv")
    assert news(inbox, 1) == [uploaded(prefix, "a.csv")]
    assert arrived(s3, prefix) == {"a.csv": b"rows"}


def test_no_file_is_uploaded_twice_even_after_a_restart(
    inbox: Inbox, folder: Path, s3: Any, prefix: str, tmp_path: Path
) -> None:
    (folder / "a.csv").write_bytes(b"rows")
    assert len(news(inbox, 5)) == 1
    again = scanned_each_second(folder, s3, BUCKET, prefix, tmp_path)
    assert news(again, 5) == ["inbox: 1 unchanged files were uploaded before, and are not uploaded again"]


def test_a_file_with_the_same_content_is_announced_as_such(inbox: Inbox, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"rows")
    news(inbox)
    os.utime(folder / "a.csv", ns=(1, 1))
    messages = news(inbox, 3)
    assert messages[-1].endswith(", and has the content that it had before: it is not classified again")


def test_a_replaced_file_is_uploaded_again_even_if_its_size_is_the_same(
    inbox: Inbox, folder: Path, s3: Any, prefix: str
) -> None:
    (folder / "a.csv").write_bytes(b"old")
    news(inbox)
    (folder / "a.csv").write_bytes(b"new")
    os.utime(folder / "a.csv", ns=(1, 1))
    assert news(inbox, 3)[-1] == uploaded(prefix, "a.csv")
    assert arrived(s3, prefix) == {"a.csv": b"new"}


def test_other_files_are_reported_once_with_the_reason(inbox: Inbox, folder: Path, s3: Any, prefix: str) -> None:
    (folder / "notes.txt").write_bytes(b"x")
    (folder / "empty.csv").touch()
    assert news(inbox, 5) == [
        "inbox: skipped empty.csv: empty",
        "inbox: skipped notes.txt: no .csv, .csv.gz or .zip file",
    ]
    (folder / "empty.csv").write_bytes(b"no longer")
    news(inbox)
    assert arrived(s3, prefix) == {"empty.csv": b"no longer"}


def test_unfinished_copies_and_folders_are_named_with_the_reason(
    inbox: Inbox, folder: Path, s3: Any, prefix: str
) -> None:
    for name in ("_a.csv", ".b.csv"):
        (folder / name).write_bytes(b"x")
    (folder / "deep.csv").mkdir()
    (folder / "gone.csv").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.csv")
    waits, other, deep, pipe = news(inbox, 2)
    assert waits.startswith("inbox: .b.csv waits: a name that begins with '.'")
    assert other.startswith("inbox: _a.csv waits: a name that begins with '_'")
    assert deep.startswith("inbox: skipped deep.csv: it is a folder")
    assert pipe == "inbox: skipped pipe.csv: it is no file"
    (folder / "deep.csv" / "inner.csv").write_bytes(b"x")
    assert news(inbox, 3) == []
    (folder / ".b.csv").rename(folder / "b.csv")
    news(inbox)
    assert [*arrived(s3, prefix)] == ["b.csv"]


def test_a_name_with_spaces_and_accents_is_the_key(inbox: Inbox, folder: Path, s3: Any, prefix: str) -> None:
    (folder / "März 2026 (1).csv").write_bytes(b"x")
    news(inbox)
    assert [*arrived(s3, prefix)] == ["März 2026 (1).csv"]


def test_a_failed_upload_is_reported_once_and_tried_again_when_the_file_is_touched(
    folder: Path, s3: Any, prefix: str, tmp_path: Path
) -> None:
    broken = scanned_each_second(folder, s3, "no-such-bucket", prefix, tmp_path)
    (folder / "a.csv").write_bytes(b"x")
    (line,) = news(broken, 5)
    assert line.startswith("inbox: a.csv could not be uploaded: ")
    assert "NoSuchBucket" in line
    os.utime(folder / "a.csv", ns=(2, 2))
    assert len(news(broken, 5)) == 2


def test_an_inbox_that_is_removed_does_not_stop_make_up(inbox: Inbox, folder: Path) -> None:
    folder.rmdir()
    assert news(inbox) == []


@pytest.mark.parametrize("name", ["a#1.csv", "a\x1b[2J.csv", "$(touch x).csv", "a\nb.csv"])
def test_a_name_that_no_flow_accepts_is_refused_with_its_characters(
    inbox: Inbox, folder: Path, s3: Any, prefix: str, name: str
) -> None:
    (folder / name).write_bytes(b"x")
    (message,) = news(inbox, 3)
    assert message.startswith(f"inbox: skipped {name}: the name has characters that no flow accepts (")
    assert message.endswith("; rename the file")
    assert arrived(s3, prefix) == {}


def test_an_inbox_that_does_not_exist_is_refused_by_name(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"INBOX=.*inbx: no such folder"):
        Inbox(tmp_path / "inbx", s3, BUCKET, "raw/", tmp_path / "inbox.json")
