"""What the server has now: one conditional question, patient with a busy server and strict with a strange one."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.ingestion.remote import Asked, SourceRefusedError, SourceUnavailableError, SourceVersion, version_unless
from tests.campaign.faults import Fault, injects
from tests.glue.export_server import MODIFIED, Export, says, serving

HERE = SourceVersion('"v1"', MODIFIED)


class Sleeps(list[float]):
    """The pauses that were asked for, none of which is made."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def asked(sleeps: Sleeps | None = None) -> Asked:
    return Asked(5, 1, sleep=Sleeps() if sleeps is None else sleeps)


def test_the_server_says_what_it_has() -> None:
    with serving(Export(b"x")) as export:
        assert version_unless(export.url, None, asked()) == HERE
    assert [method for method, _, _ in export.asked] == ["HEAD"]


@pytest.mark.parametrize("known", [HERE, SourceVersion("", MODIFIED)], ids=["ETag", "Last-Modified"])
def test_a_version_that_is_known_is_not_new(known: SourceVersion) -> None:
    with serving(Export(b"x")) as export:
        assert version_unless(export.url, known, asked()) is None
    assert export.asked[0][2].get("If-Modified-Since") == MODIFIED


def test_a_server_that_knows_no_conditions_is_understood_all_the_same() -> None:
    with serving(Export(b"x", head_faults=[says(200)])) as export:
        assert version_unless(export.url, HERE, asked()) is None


def test_another_version_is_new() -> None:
    with serving(Export(b"x", etag='"v2"')) as export:
        assert version_unless(export.url, HERE, asked()) == SourceVersion('"v2"', MODIFIED)


@injects(Fault.SERVER_BUSY)
def test_a_busy_server_is_asked_again_after_the_time_that_it_names_and_not_for_ever() -> None:
    sleeps = Sleeps()
    with serving(Export(b"x", head_faults=[says(429, Retry_After="7"), says(503, Retry_After="900")])) as export:
        assert version_unless(export.url, None, asked(sleeps)) == HERE
        assert sleeps == [7, 60]
        export.head_faults = [says(503)] * 3
        with pytest.raises(SourceUnavailableError, match="no answer in 3 tries; the last: 503"):
            version_unless(export.url, None, asked())


def test_a_server_that_nobody_reaches_is_named() -> None:
    with serving(Export(b"x")) as export:
        url = export.url
    with pytest.raises(SourceUnavailableError, match=r"no answer in 3 tries; the last: .*refused"):
        version_unless(url, None, asked())


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (says(403), "answered 403 Forbidden to HEAD: expected 200 or 304"),
        (says(302, Location="http://files.example/"), "only redirects to https:// are followed"),
        (says(302), "only redirects to https:// are followed"),
    ],
)
def test_a_refusal_and_a_strange_redirect_are_final(fault: Any, problem: str) -> None:
    with serving(Export(b"x", head_faults=[fault])) as export, pytest.raises(SourceRefusedError, match=problem):
        version_unless(export.url, None, asked())
    assert len(export.asked) == 1


def test_a_circle_of_redirects_ends() -> None:
    with serving(Export(b"x")) as export:
        export.head_faults = [says(307, Location=export.url)] * 9
        with pytest.raises(SourceRefusedError, match="redirects more than 5 times"):
            version_unless(export.url, None, asked())


@injects(Fault.SERVER_UNSOUND)
def test_an_export_without_a_version_is_refused() -> None:
    headers: dict[str, str | None] = {"ETag": None, "Last-Modified": None}
    with (
        serving(Export(b"x", headers=headers)) as export,
        pytest.raises(SourceRefusedError, match="neither ETag nor Last-Modified"),
    ):
        version_unless(export.url, None, asked())
