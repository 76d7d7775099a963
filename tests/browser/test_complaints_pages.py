"""The pages of the plugin within Airflow's UI: what has run, and a version that is promoted and rolled back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import FrameLocator, Page, Route, expect

from tests.browser.conftest import Served
from tests.browser.pages import RUN_MILLISECONDS, Airflow

FRAMED, ALONE = "/plugin/complaints", "/complaints"
PAGES = ("", "runs", "models", "monitoring")
QUESTION = {
    "task_instance": {"dag_id": "complaints_training", "dag_run_id": "manual__1", "task_id": "approve_model"},
    "options": ["Approve", "Reject"],
    "subject": "Put v2 into service?",
    "response_received": False,
}


@pytest.fixture
def pages(inside: Airflow, runs: dict[str, str]) -> FrameLocator:
    """The first page, in its frame, once both flows have run."""
    inside.open(FRAMED)
    frame = inside.page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Overview")).to_be_visible()
    return frame


@pytest.fixture
def alone(inside: Airflow, runs: dict[str, str]) -> Page:
    """The first page, without Airflow around it."""
    inside.open(f"{ALONE}/")
    expect(inside.page.get_by_role("heading", name="Overview")).to_be_visible()
    return inside.page


@pytest.fixture
def problems(inside: Airflow) -> Iterator[list[str]]:
    """What the pages write to the console, such as a script or style that their policy forbids."""
    found: list[str] = []

    def note(message: object) -> None:
        found.append(str(getattr(message, "text", message)))

    inside.page.on("console", note)
    inside.page.on("pageerror", note)
    yield found
    inside.page.remove_listener("console", note)
    inside.page.remove_listener("pageerror", note)


def test_the_first_page_shows_what_is_in_service_and_the_last_runs(
    inside: Airflow, problems: list[str], pages: FrameLocator
) -> None:
    expect(pages.locator(".tiles")).to_contain_text("v1")
    expect(pages.locator("table.runs")).to_contain_text("1,525")
    expect(pages.locator("table.runs")).to_contain_text("adds up")
    assert not [each for each in problems if "Content Security Policy" in each]


def test_a_run_in_the_table_leads_to_its_results_and_to_its_page_in_airflow(
    inside: Airflow, pages: FrameLocator
) -> None:
    row = pages.get_by_role("row").filter(has_text="classification").first
    row.get_by_role("link").first.click()
    expect(pages.get_by_role("heading", name="Where every row went")).to_be_visible()
    expect(pages.locator("table.account")).to_contain_text("adds up")
    expect(pages.get_by_role("heading", name="By company")).to_be_visible()
    inside.picture("results")
    pages.get_by_role("link", name="Steps of this run").click()
    expect(pages.locator("table.steps")).to_contain_text("publish_manifest")
    pages.get_by_role("link", name="Runs").click()
    pages.get_by_role("link", name="Airflow").first.click()
    expect(inside.page.get_by_test_id("header-card")).to_be_visible()
    assert "/dags/complaints_" in inside.page.url


def test_the_tab_of_a_run_has_its_outcome_in_one_line(inside: Airflow, runs: dict[str, str]) -> None:
    inside.open(f"{runs['complaints_classification']}/plugin/complaints-run")
    frame = inside.page.frame_locator("iframe")
    expect(frame.locator(".lead")).to_contain_text("1,525 classified, 15 quarantined, v1")
    expect(frame.locator("table.steps")).to_contain_text("publish_manifest")


def test_the_note_of_a_run_is_its_outcome(inside: Airflow, runs: dict[str, str]) -> None:
    inside.open(runs["complaints_classification"])
    address = runs["complaints_classification"].replace("/runs/", "/dagRuns/")
    note = inside.page.evaluate(
        "path => fetch(path).then(answer => answer.json()).then(run => run.note)", f"/api/v2{address}"
    )
    assert str(note).startswith("1,525 classified, 15 quarantined, v1")


def test_a_run_that_failed_says_at_which_step_and_that_it_published_nothing(
    inside: Airflow, runs: dict[str, str]
) -> None:
    form = inside.form("complaints_classification")
    form.locator("#element_source").fill("raw/no-such-folder/")
    inside.submit()
    run = inside.follow("complaints_classification", end="Failed")
    inside.open(f"{run}/plugin/complaints-run")
    lead = inside.page.frame_locator("iframe").locator(".lead")
    expect(lead).to_have_text("It failed at plan_classification and has published nothing.")


def test_a_version_that_was_not_approved_is_promoted_by_force_and_rolled_back(
    inside: Airflow, runs: dict[str, str], pages: FrameLocator
) -> None:
    _promoted(inside, "Promote v2", "tried by hand", force=True)
    expect(_models(inside).get_by_role("row").filter(has_text="in service")).to_contain_text("v2")
    run = _promoted(inside, "Roll back to v1", "it was a trial")
    frame = _models(inside)
    expect(frame.get_by_role("row").filter(has_text="in service")).to_contain_text("v1")
    expect(frame.get_by_role("row").filter(has_text="roll back")).to_contain_text("it was a trial")

    frame.get_by_role("button", name="Compare").click()
    expect(frame.get_by_role("heading", name="v1 beside v2")).to_be_visible()

    inside.open(f"{run}/plugin/complaints-run")
    lead = inside.page.frame_locator("iframe").locator(".lead")
    expect(lead).to_have_text("This run has published no results.")


def _models(inside: Airflow) -> FrameLocator:
    inside.open(FRAMED)
    frame = inside.page.frame_locator("iframe")
    frame.get_by_role("link", name="Models", exact=True).click()
    expect(frame.get_by_role("heading", name="Versions", exact=True)).to_be_visible()
    return frame


def _promoted(inside: Airflow, button: str, reason: str, *, force: bool = False) -> str:
    """Presses a button, confirms it, and waits for the run that it started; the run's path."""
    frame = _models(inside)
    frame.get_by_role("button", name=button).click()
    dialog = frame.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    if force:
        dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name=button).click()
    told = dialog.get_by_role("status")
    expect(told).to_contain_text("Started: ")
    run = told.inner_text().removeprefix("Started: ").strip()
    inside.open(f"/dags/complaints_promotion/runs/{run}")
    return inside.follow("complaints_promotion")


def test_the_open_question_about_a_version_is_answered_after_a_second_click(alone: Page, served: Served) -> None:
    """The flow asks only where a person is to approve, so Airflow's answers are recorded ones here."""
    answers: list[object] = []

    def question(route: Route) -> None:
        route.fulfill(json={"hitl_details": [QUESTION], "total_entries": 1})

    def answer(route: Route) -> None:
        answers.append((route.request.method, json.loads(route.request.post_data or "{}")))
        route.fulfill(json={})

    alone.route("**/dags/complaints_training/dagRuns/~/hitlDetails?*", question)
    alone.route("**/taskInstances/approve_model/-1/hitlDetails", answer)
    alone.reload()
    alone.get_by_role("button", name="Approve").click()
    assert answers == []
    alone.get_by_role("button", name="Approve: Sure?").click()
    expect(alone.locator("[data-waiting]")).to_contain_text("Answered.")
    assert answers == [("PATCH", {"chosen_options": ["Approve"], "params_input": {}})]
    alone.unroute_all()


@pytest.mark.parametrize("width", [400, 1800])
def test_no_page_is_wider_than_the_window(alone: Page, runs: dict[str, str], width: int) -> None:
    try:
        alone.set_viewport_size({"width": width, "height": 900})
        run = alone.locator("table.runs a").first.get_attribute("href") or ""
        for path in [*(f"{ALONE}/{page}" for page in PAGES), run, f"{ALONE}/compare?left=v1&right=v2"]:
            alone.goto(alone.url.partition(ALONE)[0] + path)
            wider = alone.locator("html").evaluate("each => each.scrollWidth - each.clientWidth")
            assert wider <= 0, f"{path} at {width} pixels: tables scroll, and the page does not"
    finally:
        alone.set_viewport_size({"width": 1280, "height": 800})


def test_the_keyboard_alone_reaches_everything(alone: Page) -> None:
    alone.goto(alone.url.partition(ALONE)[0] + f"{ALONE}/models")
    alone.keyboard.press("Tab")
    expect(alone.locator(":focus")).to_have_text("Skip to the content")
    alone.keyboard.press("Enter")
    reached = set()
    for _ in range(40):
        alone.keyboard.press("Tab")
        reached.add(alone.locator(":focus").first.inner_text().strip() if alone.locator(":focus").count() else "")
    assert {"v1", "Compare"} <= reached
    button = alone.get_by_role("button", name="Promote").or_(alone.get_by_role("button", name="Roll back")).first
    button.press("Enter")
    expect(alone.get_by_role("dialog").get_by_label("Reason")).to_be_visible()
    alone.keyboard.press("Escape")
    expect(alone.get_by_role("dialog")).to_have_count(0)


def test_the_pages_are_dark_where_airflow_is(alone: Page) -> None:
    colour = "each => getComputedStyle(each).backgroundColor"
    light = alone.locator("body").evaluate(colour)
    alone.evaluate("localStorage.setItem('theme', 'dark')")
    try:
        alone.reload()
        dark = alone.locator("body").evaluate(colour)
    finally:
        alone.evaluate("localStorage.removeItem('theme')")
    assert (light, dark) == ("rgb(252, 251, 249)", "rgb(21, 25, 28)")


def test_once_a_run_is_monitored_the_first_page_has_its_estimated_accuracy(
    inside: Airflow, runs: dict[str, str]
) -> None:
    estimate = inside.page.frame_locator("iframe").get_by_role("heading", name="Estimated accuracy")
    deadline = time.monotonic() + RUN_MILLISECONDS / 1000
    while True:
        inside.open(FRAMED)
        expect(inside.page.frame_locator("iframe").get_by_role("heading", name="In service")).to_be_visible()
        if estimate.count():
            break
        assert time.monotonic() < deadline, "the classification was not monitored"
        time.sleep(5)
    inside.picture("complaints")


def test_the_pages_speak_spanish(inside: Airflow, pages: FrameLocator) -> None:
    pages.get_by_role("link", name="Español").click()
    expect(pages.get_by_role("heading", name="Resumen")).to_be_visible()
    expect(pages.locator("table.runs")).to_contain_text("1.525")
    pages.get_by_role("link", name="English").click()
    expect(pages.get_by_role("heading", name="Overview")).to_be_visible()
