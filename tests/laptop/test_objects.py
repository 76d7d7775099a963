"""The objects of `make up` are listed, downloaded, uploaded and removed under any name, which no shell reads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from laptop.inputs import InputError
from laptop.servers.airflow import ROOT
from laptop.servers.processes import ServerError
from laptop.servers.state import State
from laptop.verbs.objects import Objects, objects_of
from tests.laptop.conftest import BUCKET

HOSTILE = 'it\'s a "test" $(touch owned) `touch owned` ; März.csv'


@pytest.fixture
def objects(s3: Any) -> Objects:
    return Objects(s3, BUCKET)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "März 2026 (1).csv").write_bytes(b"rows")
    return tmp_path / "März 2026 (1).csv"


def test_a_file_is_uploaded_listed_downloaded_and_removed(objects: Objects, file: Path, tmp_path: Path) -> None:
    key = f"raw/{file.name}"
    assert objects.put(str(file), "raw/") == f"{file} → s3://{BUCKET}/{key}"
    first, total = objects.ls("raw/März")
    assert first.split()[0] == "4"
    assert first.endswith(f"  {key}")
    assert total == f"1 objects, 4 bytes, under s3://{BUCKET}/raw/März"
    assert objects.get(key, str(tmp_path / "copy.csv")).endswith("copy.csv")
    assert (tmp_path / "copy.csv").read_bytes() == b"rows"
    assert objects.rm(key) == f"removed s3://{BUCKET}/{key}"
    assert [*objects.ls("raw/März")] == [f"0 objects, 0 bytes, under s3://{BUCKET}/raw/März"]


def test_a_download_goes_into_a_folder_and_overwrites_nothing(objects: Objects, s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="raw/down.csv", Body=b"rows")
    objects.get("raw/down.csv", str(tmp_path))
    assert (tmp_path / "down.csv").read_bytes() == b"rows"
    with pytest.raises(InputError, match=r"down\.csv exists already; name another file: FILE="):
        objects.get("raw/down.csv", str(tmp_path))


def test_a_key_that_is_not_there_is_answered_by_those_that_begin_with_it(objects: Objects, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="raw/near/a.csv", Body=b"rows")
    for ask in (objects.rm, objects.get):
        with pytest.raises(InputError, match=r"raw/near: no such object; there are raw/near/a\.csv"):
            ask("raw/near")
    with pytest.raises(InputError, match="name an object: KEY="):
        objects.rm("")


def test_a_name_that_no_flow_accepts_is_refused_with_its_characters(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / HOSTILE).write_bytes(b"rows")
    with pytest.raises(InputError, match=r'no flow accepts a key with " \$ ; `; name another one: KEY='):
        objects.put(str(tmp_path / HOSTILE), "raw/")
    assert objects.put(str(tmp_path / HOSTILE), "raw/harmless.csv").endswith("raw/harmless.csv")


@pytest.mark.parametrize("missing", ["", "nowhere.csv"])
def test_a_file_that_is_not_there_is_refused_with_an_example(objects: Objects, missing: str) -> None:
    with pytest.raises(InputError, match=r"no such file; name one: make put FILE=complaints\.csv KEY=raw/"):
        objects.put(missing, "raw/")


def test_without_make_up_there_is_no_bucket(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"make up is not running with .*; start it: make up"):
        objects_of(State(tmp_path))


@pytest.mark.parametrize("verb", ["ls", "get", "put", "rm"])
def test_neither_make_nor_a_shell_runs_what_stands_in_a_name(verb: str, tmp_path: Path) -> None:
    installed = tmp_path / "jobs"
    (installed / "bin").mkdir(parents=True)
    recorder = installed / "bin" / "python"
    recorder.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$RECORD"\n')
    recorder.chmod(0o755)
    (installed / ".installed").touch()
    record = tmp_path / "record"
    subprocess.run(
        [
            *("make", "-f", str(ROOT / "Makefile"), "-o", f"{installed}/.installed", f"JOBS_ENV={installed}", verb),
            *(f"KEY={HOSTILE}", f"FILE={HOSTILE}"),
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "RECORD": str(record)},
        check=True,
    )
    given = record.read_text().splitlines()
    assert f"--key={HOSTILE}" in given
    assert verb in ("ls", "rm") or (f"--file={HOSTILE}" in given)
    assert not (tmp_path / "owned").exists()
