"""The files that a person names are found, checked and uploaded under keys that the flows accept."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from complaints.aws.objects import ObjectVersion
from complaints.runs.inputs import why_not_complaints
from complaints.settings import Storage
from laptop.inputs import InputError, complaints_files, named_paths, object_names, upload
from laptop.servers.airflow import ROOT

HOSTILE = [
    "two words.csv",
    "it's.csv",
    'say "hi".csv',
    "$(touch ran).csv",
    "$(shell touch ran).csv",
    "`touch ran`.csv",
    "; touch ran;.csv",
    "(1) copy.csv",
    "a#b.csv",
    "[2026].csv",
    "~.csv",
    "$HOME.csv",
    "$$.csv",
    "back\\slash.csv",
    "line\nbreak.csv",
    "\x1b[2Jclear.csv",
    "--help.csv",
    "été.csv",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv.gz", "C.ZIP", "deep/d.csv", "notes.txt", "empty.csv", "x.gz"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"" if name.startswith("empty") else name.encode())
    return tmp_path


def test_a_folder_is_searched_at_every_depth_for_plain_and_compressed_files(folder: Path) -> None:
    found = complaints_files([folder])
    assert [path.relative_to(folder).as_posix() for path in found.files] == ["C.ZIP", "a.csv.gz", "b.csv", "deep/d.csv"]
    assert found.skipped == [folder / "empty.csv"]


def test_temporary_files_and_folders_inside_a_named_folder_are_skipped_and_listed(folder: Path) -> None:
    hidden = [
        "__MACOSX/._b.csv",
        ".ipynb_checkpoints/b-checkpoint.csv",
        "_temporary/0/part.csv",
        "deep/._d.csv",
        "_e.csv",
    ]
    for name in hidden:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    found = complaints_files([folder])
    assert len(found.files) == 4
    assert sorted(found.skipped) == sorted([*(folder / name for name in hidden), folder / "empty.csv"])


@pytest.mark.parametrize("name", ["_january.csv", ".january.csv", "__MACOSX/a.csv", "_temporary"])
def test_a_file_or_folder_that_is_named_itself_is_read_whatever_its_name_begins_with(tmp_path: Path, name: str) -> None:
    file = tmp_path / name if name.endswith(".csv") else tmp_path / name / "a.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x")
    found = complaints_files([tmp_path / name])
    assert (found.files, found.skipped) == ([file], [])
    (key,) = object_names(found.files)
    assert why_not_complaints(ObjectVersion(key=f"raw/{key}", etag="", size=1)) is None


def test_a_folder_of_nothing_but_temporary_files_is_refused_with_their_number(tmp_path: Path) -> None:
    (tmp_path / "_a.csv").write_bytes(b"x")
    with pytest.raises(InputError, match=r"no \.csv, \.csv\.gz or \.zip file in this folder or below \(1 skipped: "):
        complaints_files([tmp_path])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("notes.txt", "not a .csv, .csv.gz or .zip file"),
        ("x.gz", "not a .csv, .csv.gz or .zip file"),
        ("empty.csv", "the file is empty"),
        ("absent.zip", "no such file or folder"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(folder: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        complaints_files([folder / name])


def test_uploaded_files_keep_their_suffix_and_their_order(folder: Path, in_memory_aws: None) -> None:
    s3: Any = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    upload(s3, "bucket", "sorted/", [folder / "a.csv.gz", folder / "b.csv"])
    upload(s3, "bucket", "turned/", [folder / "b.csv", folder / "a.csv.gz", folder / "C.ZIP"])
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert keys == ["sorted/a.csv.gz", "sorted/b.csv", "turned/000-b.csv", "turned/001-a.csv.gz", "turned/002-C.ZIP"]


def test_more_than_a_thousand_files_keep_their_order() -> None:
    names = object_names([Path(f"{number}.csv") for number in range(1200)])
    assert names == sorted(names)


@pytest.mark.parametrize("name", HOSTILE)
def test_every_name_becomes_a_key_that_the_flows_accept(name: str) -> None:
    (key,) = object_names([Path(name)])
    assert re.fullmatch(Storage.source_pattern("raw/"), f"raw/{key}")
    assert key.isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_an_existing_file_needs_no_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(b"x")
    assert named_paths(name) == [Path(name)]


def test_other_values_are_words_as_a_shell_has_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert named_paths("") == named_paths(" ") == []
    assert named_paths("b.csv C.ZIP") == [Path("b.csv"), Path("C.ZIP")]
    assert named_paths("*.csv") == [Path("b.csv"), Path("empty.csv")]
    assert named_paths(f"{folder}/*/*.csv b.csv") == [folder / "deep" / "d.csv", Path("b.csv")]
    assert named_paths("~/b.csv") == [tmp_path / "b.csv"]
    Path("two words.csv").write_bytes(b"x")
    assert named_paths("'two words.csv' b.csv") == [Path("two words.csv"), Path("b.csv")]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("absent.csv", r"^absent.csv: no such file or folder$"),
        ("two words.csv", r"^two: no such file or folder; put quotes around a name that holds spaces$"),
        ("it's.csv", r"^it's.csv: No closing quotation, and no file or folder has this name$"),
        ("none*.csv", r"^none\*.csv: no such file or folder$"),
        ("a" * 5000, r"no such file or folder$"),
    ],
)
def test_a_value_that_names_nothing_is_refused(folder: Path, monkeypatch: Any, value: str, message: str) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match=message):
        named_paths(value)


@pytest.mark.parametrize("given", ["argument", "environment"])
def test_make_passes_every_name_on_and_lets_neither_itself_nor_a_shell_expand_it(tmp_path: Path, given: str) -> None:
    makefile = tmp_path / "Makefile"
    recipe = 'print-names:\n\t@printf "%s\\0" "$$TRAIN" "$$CLASSIFY" "$$INBOX"\n'
    makefile.write_text((ROOT / "Makefile").read_text() + recipe)
    for name in HOSTILE:
        values = dict.fromkeys(("TRAIN", "CLASSIFY", "INBOX"), name)
        arguments = [f"{key}={value}" for key, value in values.items()] if given == "argument" else []
        done = subprocess.run(
            ["make", "--silent", "print-names", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **(values if given == "environment" else {})},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split("\0")[:3] == [name] * 3
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("verb", ["run", "up"])
def test_make_hands_names_to_python_as_one_word_each(verb: str) -> None:
    """The recipes themselves: each variable is expanded by the shell, inside double quotes, and by nothing else."""
    makefile = (ROOT / "Makefile").read_text()
    (recipe,) = re.findall(rf"^{verb}:.*\n\t(.*)$", makefile, re.MULTILINE)
    names = {"run": ("TRAIN", "CLASSIFY"), "up": ("INBOX",)}[verb]
    for name in names:
        assert f'="$${name}"' in recipe
        assert not re.search(rf"\$[({{]{name}\b", recipe)


def test_a_refused_name_reaches_the_terminal_escaped(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / ".venvs" / "jobs" / "bin" / "python", "-m", "laptop", "run", "--train=\x1b[2J.csv"],
        cwd=ROOT,
        env={"PYTHONPATH": "dags", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "\n\\x1b[2J.csv: no such file or folder\n"


@pytest.mark.parametrize(("name", "read"), [("a.xlsx", "read_excel(path)"), ("a.jsonl", "read_json(path, lines=True)")])
def test_a_file_in_another_format_is_refused_with_the_command_that_converts_it(
    tmp_path: Path, name: str, read: str
) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=re.escape(f"{read}.to_csv('complaints.csv', index=False)")):
        complaints_files([tmp_path / name])
