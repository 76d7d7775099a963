"""Airflow as a person meets it, in Chromium: log in, read the runbook, fill the form in, watch, look into a log."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FLOWS, Served
from tests.browser.pages import Airflow


def test_a_wrong_password_opens_nothing(airflow: Airflow, served: Served) -> None:
    airflow.log_in(served.user, f"{served.password}x")
    expect(airflow.page.get_by_text("Invalid credentials")).to_be_visible()
    airflow.open("/dags/complaints_training")
    expect(airflow.page.locator("input[name=password]")).to_be_visible()


@pytest.mark.parametrize("flow", FLOWS)
def test_the_runbook_stands_on_the_flows_page(inside: Airflow, flow: str) -> None:
    runbook = inside.runbook(flow)
    expect(runbook).to_contain_text("Parameters.")
    expect(runbook).to_contain_text("If it fails.")
    expect(runbook).to_contain_text("accept_fewer_rows")


@pytest.mark.parametrize(
    ("flow", "field", "wrong", "sentence"),
    [
        ("complaints_training", "source", "raw/", "use history/, or a path below it: a folder that ends in /"),
        ("complaints_classification", "etag", "abc", "use nothing, or the ETag of the one object: 32 hex digits"),
        ("complaints_classification", "source", "raw/../models/", "use raw/, or a path below it: a folder"),
    ],
)
def test_the_form_refuses_a_wrong_value_and_says_what_would_be_right(
    inside: Airflow, flow: str, field: str, wrong: str, sentence: str
) -> None:
    form = inside.form(flow)
    form.locator(f"#element_{field}").fill(wrong)
    inside.submit()
    refusal = form.get_by_test_id("error-alert")
    expect(refusal).to_contain_text(f"{field}: {wrong!r} is not accepted; {sentence}")
    inside.picture("form")
    inside.open(f"/dags/{flow}/runs")
    expect(inside.page.get_by_text("No Dag Runs found")).to_be_visible()


def test_a_field_that_was_filled_in_and_emptied_again_stands_in_nobodys_way(inside: Airflow) -> None:
    form = inside.form("complaints_classification")
    form.locator("#element_etag").fill("abc")
    form.locator("#element_etag").fill("")
    expect(inside.page.get_by_test_id("trigger-dag-submit")).to_be_enabled()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("", "Nothing has run yet. Train a model first"),
        ("runs", "No run has published anything yet."),
        ("models", "There is no version yet: run complaints_training."),
        ("monitoring", "No classification has been monitored yet"),
    ],
)
def test_a_page_without_content_says_what_to_do(inside: Airflow, path: str, sentence: str) -> None:
    inside.open(f"/complaints/{path}")
    expect(inside.page.locator("main")).to_contain_text(sentence)


def test_the_first_page_leads_to_the_flow_to_begin_with(inside: Airflow) -> None:
    inside.open("/plugin/complaints")
    inside.page.frame_locator("iframe").get_by_role("link", name="complaints_training").click()
    expect(inside.page.get_by_test_id("trigger-dag-button")).to_be_visible()
    assert inside.page.url.endswith("/dags/complaints_training")


def test_both_flows_run_to_their_end_from_the_form(inside: Airflow, runs: dict[str, str]) -> None:
    for flow, last in zip(
        FLOWS, ("promote_model|Put the version into service", "publish_manifest|Publish the manifest"), strict=True
    ):
        inside.open(runs[flow])
        row = inside.page.get_by_role("row").filter(has_text=re.compile(last)).first
        expect(row).to_contain_text("Success")
    inside.show("Graph")
    inside.picture("run")
    inside.show("Grid")


@pytest.mark.parametrize(
    ("flow", "task", "lines"),
    [
        ("complaints_training", "prepare_history", ["6,000 rows read from 2 files"]),
        ("complaints_training", "train_model", [r"train_rows=\d+", r"features=\d+"]),
        ("complaints_classification", "prepare_complaints", ["3,000 rows read from 3 files"]),
    ],
)
def test_the_log_of_a_task_has_its_jobs_own_lines(
    inside: Airflow, runs: dict[str, str], flow: str, task: str, lines: list[str]
) -> None:
    inside.open(f"{runs[flow]}/tasks/{task}")
    log = inside.page.get_by_test_id("virtual-scroll-container")
    expect(log).to_contain_text("log group /aws")
    for line in lines:
        expect(log).to_contain_text(re.compile(line))
    # What else is there names folders of this machine.
    inside.only_of("operators.once")
    inside.picture("log")
