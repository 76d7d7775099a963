"""The runs that are kept: the last ten of `make run`, and what `make results` shows of any."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from laptop.inputs import InputError
from laptop.report import run_folder
from laptop.report.run_folder import RunFolderError
from laptop.verbs.results import LEAST_CERTAIN, lines, results


def leave(build: Path, run_id: str, rows: int = 2, when: float = 0) -> dict[str, Any]:
    """What a run leaves in its folder, with predictions that are less certain the greater their id is."""
    folder = build / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "complaint_id": [f"{number:04d}" for number in range(rows)],
        "predicted_product": ["card"] * rows,
        "confidence": [0.9 - number / 1000 for number in range(rows)],
        "review_reason": pa.array([None] * rows, pa.string()),
    }
    pq.write_table(pa.table(columns), folder / f"{run_id}-00000-a.parquet")
    document = {
        "model": {"version": "v1"},
        "classification": {"run_id": run_id, "rows_in": rows, "account": {"classified": rows}}
        | {"predicted_products": {"card": rows}, "needs_review": {"low_confidence": 1}},
        "results": {
            "predictions": str(folder),
            "report": str(build / "report.html"),
            "s3": f"s3://b/results/{run_id}-*",
        },
    }
    run_folder.write(build, document)
    when = when or time.time()
    os.utime(build / "summary.json", (when, when))
    return document


def test_the_last_ten_runs_are_kept_with_the_places_that_they_moved_to(tmp_path: Path) -> None:
    for number in range(12):
        run_folder.make_room(tmp_path)
        leave(tmp_path, f"run{number:02d}", when=1_700_000_000 + number)
        (tmp_path / "airflow").mkdir()
    earlier = sorted((tmp_path / "earlier").iterdir())
    assert [each.name.rpartition("-")[2] for each in earlier] == [f"run{number:02d}" for number in range(2, 11)]
    assert sorted(each.name for each in earlier[0].iterdir()) == ["predictions", "report.html", "summary.json"]
    document = run_folder.read(earlier[0])
    assert document["results"] == {
        "predictions": str(earlier[0] / "predictions"),
        "report": str(earlier[0] / "report.html"),
        "s3": "s3://b/results/run02-*",
    }
    assert list(Path(document["results"]["predictions"]).iterdir())
    assert run_folder.read(tmp_path)["classification"]["run_id"] == "run11"


def test_what_a_failed_run_left_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "quarantine.csv").write_text("")
    run_folder.make_room(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_newest_run_is_shown_and_any_other_by_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(tmp_path / "run" / "earlier" / "x", "older", when=1_700_000_000)
    leave(tmp_path / "run", "newer", when=1_700_000_100)
    leave(tmp_path / "up" / "runs" / "of-up", "of-up", when=1_700_000_050)
    for chosen, expected in (("", "newer"), ("older", "older"), ("of-up", "of-up")):
        results([tmp_path / "run", tmp_path / "up"], chosen)
        assert capsys.readouterr().out.startswith(f"run {expected}, model v1")
    with pytest.raises(InputError, match=r"no classification run 'x'; there are, newest first: newer, of-up, older"):
        results([tmp_path / "run", tmp_path / "up"], "x")
    with pytest.raises(InputError, match="no results yet: make run"):
        results([tmp_path / "nowhere"])


def test_the_counts_and_the_hundred_least_certain_complaints_are_shown(tmp_path: Path) -> None:
    shown = list(lines(tmp_path, leave(tmp_path, "a", rows=150)))
    assert "        150  card" in shown
    assert "          1  low confidence" in shown
    assert f"  predictions  {tmp_path / 'predictions'}" in shown
    listed = [line.split()[1] for line in shown if line.startswith("  0.")]
    assert listed == [f"{number:04d}" for number in range(149, 149 - LEAST_CERTAIN, -1)]


def test_a_folder_that_a_run_uses_is_refused_to_another_with_the_pid(tmp_path: Path) -> None:
    build = tmp_path / "run"
    with (
        run_folder.held(build),
        pytest.raises(RunFolderError, match=rf"another make run uses .*run \(pid {os.getpid()}\)"),
        run_folder.held(build),
    ):
        pass
    with run_folder.held(build):
        leave(build, "run00")
        run_folder.make_room(build)
        with pytest.raises(RunFolderError), run_folder.held(build):
            pass


def test_a_folder_with_files_that_no_run_has_written_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunFolderError, match="has files that no make run has written"), run_folder.held(tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_folder_of_a_run_of_an_earlier_version_is_used_again(tmp_path: Path) -> None:
    leave(tmp_path, "run00")
    with run_folder.held(tmp_path):
        run_folder.make_room(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["earlier", "lock"]
