"""Figures are written as JSON and as a page, and a contender's memory is that of all its processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.processes import ContenderError, measured, own_peak_memory_mb
from bench.results import record, save, version_in
from bench.tiled_narratives import tiled, write_rows

ROWS = [("the bank charged me a late fee", "card"), ("my mortgage was sold", "mortgage")]


def test_a_section_replaces_the_earlier_one_of_its_benchmark_only(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    for name, text in (("etl", "first"), ("model", "other"), ("etl", r"second \1")):
        record(name, f"About {name}.", text, ["pytest"], [version_in(sys.executable, "ruff")], page)
    found = page.read_text()
    assert found.startswith("# Benchmarks\n")
    assert "first" not in found
    assert found.index(r"second \1") < found.index("other")
    assert found.count("\n\nAbout etl.\n\n") == 1
    assert found.count(f"pytest {pytest.__version__}, ruff ") == 2


def test_a_code_fence_in_the_output_does_not_end_the_section(tmp_path: Path) -> None:
    record("etl", "About.", "a\n```\nb", page=tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text().count("```") == 2


def test_the_json_is_a_list_of_contenders(tmp_path: Path) -> None:
    assert json.loads(save("etl", [{"contender": "ours", "rows": 1}], tmp_path).read_text())[0]["contender"] == "ours"


def test_the_memory_of_children_counts_and_the_output_is_returned() -> None:
    child = "import time; held = bytearray(200_000_000); held[::4096] = bytes([1]) * len(held[::4096]); time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('x' * 200_000)"
    run = measured([sys.executable, "-c", parent])
    assert run.peak_memory_mb > 190
    assert len(run.output) == 200_001


def test_the_own_peak_memory_grows_with_an_allocation() -> None:
    before = own_peak_memory_mb()
    held = b"x" * int((before + 100) * 1_000_000)
    assert own_peak_memory_mb() > before + 50
    assert held


def test_a_failing_contender_is_an_error() -> None:
    with pytest.raises(ContenderError, match="exit code 3"):
        measured([sys.executable, "-c", "raise SystemExit(3)"])


def test_the_given_narratives_come_first_and_their_changed_copies_are_always_the_same() -> None:
    many = list(tiled(ROWS, 200))
    assert many[:2] == ROWS
    assert many == list(tiled(ROWS, 200))
    assert {label for _, label in many} == {"card", "mortgage"}
    assert len({narrative for narrative, _ in many}) > 50


def test_every_row_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr("bench.tiled_narratives._PART_ROWS", 3)
    write_rows(tiled(ROWS, 7), tmp_path / "train")
    ids = [
        each
        for file in sorted((tmp_path / "train").iterdir())
        for each in pq.read_table(file)["complaint_id"].to_pylist()
    ]
    assert ids == [str(number) for number in range(7)]
