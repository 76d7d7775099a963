"""Readers are compared only if they return the rows of the file: the same number, ids and narratives."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.etl import content_of, report, stage_report, tile
from bench.etl_contenders import CONTENDERS
from bench.etl_stages import STAGES


def test_a_tiled_file_has_new_ids_and_the_checksum_of_its_parquet_in_any_order(tmp_path: Path) -> None:
    source, target = tmp_path / "a.csv", tmp_path / "a.parquet"
    expected = tile(source, 500, tmp_path / "sample")
    _, work = CONTENDERS["pandas"](1)
    work(str(source), str(target))
    assert content_of(target) == expected
    found = pq.read_table(target)
    assert len(set(found["Complaint ID"].to_pylist())) == 500
    pq.write_table(found.take(pa.array(range(499, -1, -1))), target)
    assert content_of(target) == expected
    pq.write_table(found.slice(1), target)
    assert content_of(target) != expected


@pytest.mark.parametrize("name", ["ours", "pyarrow"])
def test_the_stages_that_are_timed_make_the_rows_of_the_file(tmp_path: Path, name: str) -> None:
    source, target = tmp_path / "a.csv", tmp_path / "a.parquet"
    expected = tile(source, 20_000, tmp_path / "sample")
    seconds = STAGES[name](str(source), str(target))
    assert content_of(target) == expected
    assert min(seconds.values()) > 0
    assert (
        stage_report({name: seconds, "polars": {"parse and check": 1.0}}).splitlines()[-1].split()[-2:] == ["1.00"] * 2
    )


def test_a_report_marks_a_contender_that_read_other_rows() -> None:
    each = {"rows": 10, "checksum": "a", "first_seconds": 1.0, "seconds": 2.0, "peak_memory_mb": 9.0}
    ours, other = ({"contender": name, "right": right} | each for name, right in (("ours", True), ("other", False)))
    assert [line.rpartition(" ")[2] for line in report([ours, other], 10**6).splitlines()[1:]] == ["yes", "NO"]
