"""`docs/costs.md` has the tables of the settings' machines and prices."""

from __future__ import annotations

from complaints.settings import load_settings
from deploy.costs import PAGE, tables, written

SETTINGS = load_settings().pipeline


def test_the_page_of_costs_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, tables(SETTINGS)), "run make export"


def test_the_tables_follow_the_prices() -> None:
    dear = SETTINGS.model_copy(update={"prices": SETTINGS.prices.model_copy(update={"mwaa_hour": 1.0})})
    assert "| an MWAA environment | 730 |" in tables(dear)
