"""The orchestration benchmark reads the predictions of a run."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.orchestration import published


def test_the_predictions_of_all_files_are_returned(tmp_path: Path) -> None:
    (tmp_path / "predictions").mkdir()
    for number in range(2):
        table = pa.table({"complaint_id": [str(number)], "runner_up": pa.array([None], pa.string())})
        pq.write_table(table, tmp_path / "predictions" / f"part-{number}.parquet")
    assert published(tmp_path) == [{"complaint_id": str(number), "runner_up": None} for number in range(2)]
