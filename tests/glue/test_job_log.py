"""A job's line for CloudWatch is JSON with its run, its step and its counts."""

from __future__ import annotations

import json

import pytest
from job_log import log_counts, totals


def test_the_line_is_json_with_the_run_of_the_place_the_step_and_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    log_counts("prepare_complaints", "s3://b/processed/run_id=0123abcd/account/", {"rows_in": 3, "quarantined": 1})
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "run_id": "0123abcd",
        "step": "prepare_complaints",
        "rows_in": 3,
        "quarantined": 1,
    }


def test_the_counts_of_all_sources_are_added_and_their_names_are_left_out() -> None:
    by_source = [{"source": "a", "rows_in": 3, "new": 2}, {"source": "b", "rows_in": 4, "new": 0}]
    assert totals(by_source) == {"rows_in": 7, "new": 2}
    assert totals([]) == {}
