"""The reports of `make up` in a browser: only reports, and only for who knows the secret."""

from __future__ import annotations

import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from laptop.servers.report_pages import kept_secret, report_pages

RUN = "1303f0f1403b9522"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "runs" / RUN).mkdir(parents=True)
    (tmp_path / "runs" / RUN / "report.html").write_text("<p>the report</p>")
    (tmp_path / "runs" / RUN / "summary.json").write_text("{}")
    (tmp_path / "report.html").write_text("elsewhere")
    with report_pages(tmp_path / "runs", tmp_path / "reports.secret", 0) as found:
        yield found


def asked(url: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as answer:
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def test_the_report_of_a_run_is_served(address: str) -> None:
    assert address.startswith("http://127.0.0.1:")
    assert asked(f"{address}{RUN}") == (HTTPStatus.OK, "<p>the report</p>")


@pytest.mark.parametrize("path", ["", "0" * 16, f"{RUN}/summary.json", "..", "../report.html", "%2e%2e"])
def test_nothing_else_is_served(address: str, path: str) -> None:
    assert asked(f"{address}{path}")[0] == HTTPStatus.NOT_FOUND


def test_without_the_secret_no_report_is_served(address: str) -> None:
    server = address.rsplit("/", 2)[0]
    for secret in ("", "wrong", "%C3%BC"):
        assert asked(f"{server}/{secret}/{RUN}")[0] == HTTPStatus.NOT_FOUND


def test_the_secret_is_kept_for_the_next_start_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "new" / "reports.secret")
    assert kept_secret(tmp_path / "new" / "reports.secret") == first
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "new" / "reports.secret").stat().st_mode) == 0o600
