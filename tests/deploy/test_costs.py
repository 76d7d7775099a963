"""`docs/costs.md` has the tables of the settings' machines and prices."""

from __future__ import annotations

import pytest

from complaints.settings import load_settings
from deploy.costs import PAGE, ROOT, UnknownCostError, tables, written

SETTINGS = load_settings().pipeline


def test_the_page_of_costs_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, tables(SETTINGS)), "run make export"


def test_the_tables_follow_the_prices() -> None:
    dear = SETTINGS.model_copy(update={"prices": SETTINGS.prices.model_copy(update={"mwaa_hour": 1.0})})
    assert "| `mwaa`, on request | 730 for the environment, and 33 " in tables(dear)


def test_there_are_no_tables_of_machines_without_a_price() -> None:
    unpriced = SETTINGS.model_copy(update={"prices": SETTINGS.prices.model_copy(update={"instance_hour": {}})})
    with pytest.raises(UnknownCostError, match=r"no price for prices\.instance_hour\.ml\.m5\.xlarge; add it"):
        tables(unpriced)


def test_the_page_of_the_deployment_types_no_price_of_a_stack_of_its_own() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| [`")]
    assert len(rows) == 8
    assert not [line for line in rows if "USD" in line]
