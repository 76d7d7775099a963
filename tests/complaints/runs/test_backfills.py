"""The plan of a backfill: what is classified again, what is not and why, and what it would cost."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.runs import backfills, costs
from complaints.runs.results import PublishedRun
from complaints.settings import Prices, load_settings

SETTINGS = load_settings().pipeline
MONTHS = ["2026-01", "2026-02"]


def run(run_id: str, file: str, version: str = "v1", arrived: str = "2026-01-15", rows: int = 1000) -> PublishedRun:
    manifest: dict[str, Any] = {
        "run_id": run_id,
        "model_version": version,
        "arrived_at": f"{arrived}T10:00:00+00:00",
        "inputs": [{"uri": f"s3://bucket/raw/{file}", "etag": f"e-{file}"}],
        "account": {"rows_in": rows},
        "predicted_products": {"card": rows},
        "needs_review": {},
        "scores": None,
    }
    return PublishedRun(manifest, manifest["arrived_at"])


def planned(
    *runs: PublishedRun, why: dict[str, str] | None = None, prices: Prices = SETTINGS.prices, **changed: Any
) -> backfills.Backfill:
    sources = {each.run_id: each.manifest["inputs"][0]["uri"].removeprefix("s3://bucket/") for each in runs}
    return backfills.backfill(
        runs,
        MONTHS,
        "v2",
        dry_run=True,
        source_of=sources.__getitem__,
        why_changed=lambda source, _: (why or {}).get(source, ""),
        settings=SETTINGS.model_copy(
            update={"prices": prices, "backfill": SETTINGS.backfill.model_copy(update=changed)}
        ),
    )


def test_the_runs_of_the_months_are_made_again_oldest_first_from_the_same_version_of_their_files() -> None:
    found = planned(run("b", "b.csv", arrived="2026-02-28"), run("c", "c.csv", arrived="2026-03-01"), run("a", "a.csv"))
    assert [(each["source"], each["etag"], each["before"]) for each in found["runs"]] == [
        ("raw/a.csv", "e-a.csv", "a"),
        ("raw/b.csv", "e-b.csv", "b"),
    ]


def test_files_that_the_version_has_classified_are_not_classified_again() -> None:
    found = planned(run("new", "a.csv", "v2"), run("old", "a.csv"), run("b", "b.csv"))
    assert ([each["before"] for each in found["runs"]], found["done_before"]) == (["b"], 1)


def test_of_two_earlier_versions_the_newest_run_is_the_one_before() -> None:
    found = planned(run("newest", "a.csv", "v3"), run("oldest", "a.csv", "v1"))
    assert [(each["before"], each["version_before"]) for each in found["runs"]] == [("newest", "v3")]


def test_a_source_that_has_changed_since_then_is_left_out_with_the_reason() -> None:
    found = planned(run("a", "a.csv"), run("b", "b.csv"), why={"raw/a.csv": "other files than then"})
    assert [each["before"] for each in found["runs"]] == ["b"]
    assert found["left_out"] == [{"run_id": "a", "source": "raw/a.csv", "reason": "other files than then"}]


def test_a_folder_is_named_as_a_whole_and_without_an_etag() -> None:
    found = planned(run("a", "batches/march/"))
    assert (found["runs"][0]["source"], found["runs"][0]["etag"]) == ("raw/batches/march/", "")


def test_the_estimate_is_that_of_each_classification_together() -> None:
    one = planned(run("a", "a.csv", rows=50_000))
    expected = costs.cost_of(costs.of_classification(50_000, SETTINGS), SETTINGS.prices)["usd"]
    assert (one["rows"], one["usd"]) == (50_000, round(expected, 2))
    two = planned(run("a", "a.csv", rows=50_000), run("b", "b.csv", rows=50_000))
    assert two["usd"] == round(2 * expected, 2) > 0
    assert (
        f"2 classifications of 2026-01 to 2026-02 with v2: 100,000 rows, about {two['usd']} USD"
        in backfills.estimate(two)
    )


def test_a_backfill_on_machines_without_a_price_is_planned_at_a_cost_that_is_not_known() -> None:
    prices = SETTINGS.prices.model_copy(update={"instance_hour": {}})
    found = planned(run("a", "a.csv"), prices=prices)
    assert found["usd"] is None
    told = "1,000 rows, at a cost not known: pipeline_config.yaml has no price for what they run on; 0 are"
    assert told in backfills.estimate(found)


def test_more_runs_than_allowed_are_refused() -> None:
    with pytest.raises(backfills.BackfillRefusedError, match=r"2 classifications are more than .*max_runs allows, 1"):
        planned(run("a", "a.csv"), run("b", "b.csv"), max_runs=1)


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("", "2026-01", "from is '': expected a month such as 2026-03"),
        ("2026-13", "2026-13", "from is '2026-13'"),
        ("2026-01", "january", "to is 'january'"),
        ("2026-02", "2026-01", "to is 2026-01, before from, 2026-02"),
    ],
)
def test_months_that_are_none_are_refused(first: str, last: str, told: str) -> None:
    with pytest.raises(backfills.BackfillRefusedError, match=told):
        backfills.months(first, last)


def test_the_results_of_both_versions_stand_side_by_side() -> None:
    before = run("a", "a.csv")
    found = planned(before)
    (compared,) = backfills.comparison(found, [run("again", "a.csv", "v2"), before])
    assert compared["source"] == "raw/a.csv"
    assert (compared["before"]["run_id"], compared["before"]["model_version"]) == ("a", "v1")
    assert (compared["after"]["run_id"], compared["after"]["model_version"]) == ("again", "v2")


def test_what_is_not_published_is_named() -> None:
    runs = [run("a", "a.csv"), run("b", "b.csv")]
    with pytest.raises(backfills.BackfillIncompleteError, match=r"1 of 2 .* are not published: raw/b\.csv;"):
        backfills.comparison(planned(*runs), [run("again", "a.csv", "v2"), *runs])
