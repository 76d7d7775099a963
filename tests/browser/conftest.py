"""A Chromium that the machine has, and an Airflow for it to look at."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from laptop.servers.processes import Server
from tests.browser.pages import Airflow

ROOT = Path(__file__).parents[2]
JOBS_PYTHON = ROOT / ".venvs" / "jobs" / "bin" / "python"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# How long what comes by itself is waited for, so that a test that hangs ends; a busy machine is many times slower.
START_SECONDS = 600
PATIENCE_MILLISECONDS = 90_000
FLOWS = ("complaints_training", "complaints_classification")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="folder that what is seen is written to, for the README")


@dataclass(frozen=True)
class Served:
    """Where Airflow is, and who may come in."""

    address: str
    user: str
    password: str


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Airflow and local AWS, as `make up` has them."""
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine (Debian and Ubuntu: apt-get install chromium)")
    build = tmp_path_factory.mktemp("browser")
    environment = {"PYTHONPATH": "dags", "PATH": "/usr/bin:/bin", "HOME": str(build)}
    command = [str(JOBS_PYTHON), "-m", "tests.browser.serve", str(build)]
    with Server("the stack", command, environment, build / "serve.log") as server:
        deadline = time.monotonic() + START_SECONDS
        while True:
            server.check()
            told = [line for line in server.log.read_text().splitlines() if line.startswith('{"address"')]
            if told:
                break
            assert time.monotonic() < deadline, f"not ready: {server.log.read_text()[-2000:]}"
            time.sleep(0.5)
        yield Served(**json.loads(told[0]))
        # It has two servers to stop, one after the other.
        server.stop(60)


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """What is expected of a page may come late."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.fixture(scope="session")
def browser(served: Served) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # No sandbox: in containers and for root Chromium has none. It sees nothing but our own server.
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--no-proxy-server"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def airflow(browser: Browser, served: Served, request: pytest.FixtureRequest) -> Iterator[Airflow]:
    """One person's window, not logged in yet."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-US", timezone_id="UTC", color_scheme="light"
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    yield Airflow(context.new_page(), served.address, request.config.getoption("--screenshots"))
    context.close()


@pytest.fixture(scope="session")
def inside(airflow: Airflow, served: Served) -> Airflow:
    """The window of somebody who has logged in."""
    airflow.log_in(served.user, served.password)
    expect(airflow.page.get_by_test_id("nav-dags-link")).to_be_visible()
    return airflow


@pytest.fixture(scope="session")
def runs(inside: Airflow) -> dict[str, str]:
    """Each flow triggered in its form, as it stands there, and watched to its end; the path of its run."""
    found = {}
    for flow in FLOWS:
        inside.form(flow)
        inside.submit()
        found[flow] = inside.follow(flow)
    return found
