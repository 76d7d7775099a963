"""What a person does in Airflow's pages: log in, read, fill a form in, watch, look into a log."""

from __future__ import annotations

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parents[2]
# A flow takes about a minute on two idle cores.
RUN_MILLISECONDS = 900_000
MAX_BYTES = 150_000


class Airflow:
    """One person's window on the Airflow at `address`; `screenshots` is where pictures go, if anywhere."""

    def __init__(self, page: Page, address: str, screenshots: Path | None) -> None:
        self.page = page
        self._address = address
        self._screenshots = screenshots

    def log_in(self, user: str, password: str) -> None:
        """By SimpleAuthManager's form, to which every page leads who is not known yet."""
        self.page.goto(self._address)
        self.page.locator("input[name=username]").fill(user)
        self.page.locator("input[name=password]").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def open(self, path: str) -> None:
        """A page, by its path."""
        self.page.goto(f"{self._address}{path}")

    def runbook(self, dag_id: str) -> Locator:
        """The DAG's documentation, opened on its page."""
        self.open(f"/dags/{dag_id}")
        self.page.get_by_role("button", name="Dag Docs").click()
        return self.page.get_by_role("dialog")

    def form(self, dag_id: str) -> Locator:
        """The form in which a run is asked for."""
        self.open(f"/dags/{dag_id}")
        self.page.get_by_test_id("trigger-dag-button").click()
        form = self.page.get_by_role("dialog")
        expect(form.locator("#element_source")).to_be_visible()
        return form

    def submit(self) -> None:
        """Presses the form's button, by the keyboard: a message of the last refusal may lie above it."""
        button = self.page.get_by_test_id("trigger-dag-submit")
        expect(button).to_be_enabled()
        button.press("Enter")

    def follow(self, dag_id: str, end: str = "Success") -> str:
        """Waits on the page of the run that was just asked for until it has ended so; returns the run's path."""
        self.page.wait_for_url(re.compile(f"/dags/{dag_id}/runs/"))
        badge = self.page.get_by_test_id("header-card").get_by_test_id("state-badge")
        expect(badge).to_have_text(re.compile("Success|Failed"), timeout=RUN_MILLISECONDS)
        assert badge.inner_text().strip() == end, self.page.locator("body").inner_text()
        return self.page.url.removeprefix(self._address).partition("?")[0]

    def show(self, view: str) -> None:
        """Turns the left side into the "Grid" or the "Graph" of the run, as it stays for the next pages."""
        self.page.get_by_role("radio", name=f"Show {view}").or_(self.page.get_by_title(f"Show {view}")).first.click()
        node = self.page.locator(".react-flow__node").first
        expect(node).to_be_visible(visible=view == "Graph")
        self.page.wait_for_timeout(1000)  # it moves into its place

    def only_of(self, logger: str) -> None:
        """Leaves of a log what one logger wrote, by the filter above it."""
        self.page.get_by_text("All Sources").first.click()
        self.page.get_by_role("option", name=logger).click()
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_text("Filling up the DagBag")).to_have_count(0)

    def picture(self, name: str) -> None:
        """What the window shows, kept small, if pictures are wanted. It must show nothing of this machine."""
        seen = self.page.locator("body").inner_text()
        for private in (str(ROOT), str(Path.home())):
            assert private not in seen, f"the picture {name} would show {private}"
        if not self._screenshots:
            return
        shot = Image.open(io.BytesIO(self.page.screenshot(animations="disabled"))).convert("RGB")
        self._screenshots.mkdir(parents=True, exist_ok=True)
        path = self._screenshots / f"{name}.png"
        shot.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size < MAX_BYTES, f"{name} has {path.stat().st_size} bytes, more than {MAX_BYTES}"
