"""When a source counts as collapsed, and what the ledger remembers of it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from complaints.aws.bucket import Bucket
from complaints.runs import source_ledger

LAST = {"source": "raw/", "run_id": "before", "rows_in": 1000}


def plan(run_id: str = "now", flow: str = "classification", source: str = "raw/") -> dict[str, Any]:
    return {"run_id": run_id, "flow": flow, "source_uri": f"s3://ledger/{source}"}


@pytest.fixture
def bucket(in_memory_aws: None) -> Bucket:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="ledger")
    return Bucket(client, "ledger")


@pytest.mark.parametrize("rows", [0, 1, 99, 100])
def test_no_more_than_the_share_of_the_last_run_is_a_collapse(rows: int) -> None:
    with pytest.raises(
        source_ledger.RowsCollapsedError, match=f"raw/ has {rows} rows, but had 1,000 in its last run before"
    ):
        source_ledger.check_rows(rows, LAST, plan(), least=0.1, accept_fewer=False)
    source_ledger.check_rows(rows, LAST, plan(), least=0.1, accept_fewer=True)


@pytest.mark.parametrize(
    ("rows", "last", "least"),
    [(101, LAST, 0.1), (5000, LAST, 0.1), (1, None, 0.1), (1, LAST | {"run_id": "now"}, 0.1), (1, LAST, 0.0)],
    ids=["more", "growth", "first run", "itself", "no limit"],
)
def test_what_is_no_collapse(rows: int, last: dict[str, Any] | None, least: float) -> None:
    source_ledger.check_rows(rows, last, plan(), least=least, accept_fewer=False)


def test_each_flow_and_each_source_is_remembered_by_itself(bucket: Bucket) -> None:
    others = [plan(flow="training"), plan(source="raw/a.csv")]
    source_ledger.remember(bucket, plan(), 7, since="2026-01-01")
    assert source_ledger.last_run(bucket, plan("later")) == {
        "source": "raw/",
        "run_id": "now",
        "rows_in": 7,
        "since": "2026-01-01",
    }
    assert [source_ledger.last_run(bucket, other) for other in others] == [None, None]


def test_a_later_run_replaces_an_earlier_one_and_never_the_other_way_round(bucket: Bucket) -> None:
    source_ledger.remember(bucket, plan("first"), 7, since="2026-01-01")
    source_ledger.remember(bucket, plan("second"), 8, since="2026-01-02")
    source_ledger.remember(bucket, plan("first"), 7, since="2026-01-01")
    last = source_ledger.last_run(bucket, plan())
    assert last is not None
    assert last["run_id"] == "second"


def test_of_two_that_write_at_once_the_later_one_stays(bucket: Bucket) -> None:
    """The second run comes in between the first one's look and its write."""
    source_ledger.remember(bucket, plan("before"), 6, since="2026-01-01")
    other, calls = Bucket(boto3.client("s3", region_name="us-east-1"), "ledger"), []

    def call(**_: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            source_ledger.remember(other, plan("second"), 8, since="2026-01-03")

    bucket.client.meta.events.register("before-call.s3.PutObject", call)
    source_ledger.remember(bucket, plan("first"), 7, since="2026-01-02")
    last = source_ledger.last_run(bucket, plan())
    assert last is not None
    assert last["run_id"] == "second"
