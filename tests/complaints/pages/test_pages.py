"""The pages show what the documents hold, escaped, in two languages; and read no more than they show."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.pages import overview, runs
from complaints.pages.documents import Documents
from complaints.pages.frame import Frame, headers, message, sign_in
from complaints.pages.words import Words, spanish
from tests.complaints.pages.conftest import CountedReads
from tests.complaints.pages.examples import manifest, pointer, record

PAGES = Path(runs.__file__).parent
PLUGIN = Path(__file__).parents[3] / "plugins" / "complaints_ui"
HOSTILE = "<script>alert('1')</script>\"><img src=x onerror=alert(1)>"
FRAME = Frame(root="/complaints")
EVERYTHING = runs.Filter()


@pytest.fixture
def documents(bucket: CountedReads) -> Documents:
    return Documents(bucket)


def published(bucket: Bucket, run_id: str = "0123456789abcdef", **changed: Any) -> None:
    bucket.write_json(f"manifests/run_id={run_id}.json", manifest(run_id, **changed))


def text(page: str) -> str:
    """What a person reads on the page."""
    shown = re.sub(r"<(style|script|title)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


def test_a_run_stands_in_the_table_with_its_account_its_model_and_what_is_for_review(
    bucket: Bucket, documents: Documents
) -> None:
    published(bucket)
    shown = text(runs.render(runs.read(documents, EVERYTHING), EVERYTHING, FRAME))
    assert "classification today.csv 1,600 1,525 50 15 10 63 v1 adds up" in shown
    assert "1 runs, page 1 of 1" in shown


def test_an_account_with_missing_rows_is_said_not_to_add_up(bucket: Bucket, documents: Documents) -> None:
    published(bucket, account={"rows_in": 5, "classified": 4})
    assert "does not add up" in text(runs.render(runs.read(documents, EVERYTHING), EVERYTHING, FRAME))


def test_trainings_stand_in_the_table_with_their_version_and_verdict(bucket: Bucket, documents: Documents) -> None:
    bucket.write_json("models/versioned/v3/claim.json", {"run_id": "x"})
    bucket.write_json("models/versioned/v3/model.json", record("v3"))
    only = runs.Filter(flow=runs.TRAINING)
    shown = runs.read(documents, only)
    assert [each.name for each in shown.shown] == ["v3"]
    assert "v3 PROMOTE" in text(runs.render(shown, only, FRAME))


def test_the_flow_and_the_days_filter_the_table(bucket: Bucket, documents: Documents) -> None:
    published(bucket)
    bucket.write_json("models/versioned/v1/model.json", record())

    def names(**wanted: Any) -> list[str]:
        return sorted(each.name for each in runs.read(documents, runs.Filter(**wanted)).shown)

    assert names() == ["0123456789abcdef", "v1"]
    assert names(flow="classification") == ["0123456789abcdef"]
    assert names(since=date(2020, 1, 1)) == ["0123456789abcdef", "v1"]
    assert names(until=date(2020, 1, 1)) == []


def test_who_started_a_run_filters_the_table_and_has_its_duration_and_cost(
    bucket: Bucket, documents: Documents
) -> None:
    published(bucket)
    bucket.write_json("models/versioned/v1/model.json", record())
    bucket.write_json("ledger/costs/run_id=0123456789abcdef.json", {"recorded": {"usd": 0.0612}})
    origins = {"v1": runs.Origin("complaints_training", "manual__1", 90.0)}

    def shown(orchestrator: str) -> str:
        wanted = runs.Filter(orchestrator=orchestrator)
        return runs.render(runs.read(documents, wanted, origins), wanted, FRAME, origins)

    assert "v1 PROMOTE - 90.0 s Airflow" in text(shown("airflow"))
    assert "0123456789abcdef" not in shown("airflow")
    assert "v1 adds up 0.06 USD - -" in text(shown("elsewhere"))
    assert "1 runs" in text(shown("elsewhere"))
    assert 'href="/dags/complaints_training/runs/manual__1"' in shown("")


def test_of_500_runs_only_those_of_one_page_are_read_and_each_only_once(
    bucket: CountedReads, documents: Documents
) -> None:
    for number in range(500):
        published(bucket, f"{number:016x}")
    found = runs.read(documents, EVERYTHING)
    assert (found.total, len(found.shown), bucket.reads) == (500, runs.A_PAGE, runs.A_PAGE)
    runs.read(documents, EVERYTHING)
    assert bucket.reads == runs.A_PAGE
    last = runs.Filter(page=10)
    page = runs.render(runs.read(documents, last), last, FRAME)
    assert "500 runs, page 10 of 10" in text(page)
    assert 'href="?page=9"' in page
    assert "page=11" not in page


def test_a_changed_document_is_read_again(bucket: Bucket, documents: Documents) -> None:
    for version in ("v1", "v2"):
        published(bucket, model_version=version)
        assert runs.read(documents, EVERYTHING).shown[0].content == manifest(model_version=version)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
def test_a_damaged_document_is_a_row_that_says_so(bucket: Bucket, documents: Documents, body: bytes) -> None:
    bucket.client.put_object(Bucket="bucket", Key="manifests/run_id=1.json", Body=body)
    page = runs.render(runs.read(documents, EVERYTHING), EVERYTHING, FRAME)
    assert "its document cannot be read" in text(page)


def test_without_runs_each_page_says_what_to_do(documents: Documents) -> None:
    assert "No run has published anything yet. Start with complaints_training" in text(
        runs.render(runs.read(documents, EVERYTHING), EVERYTHING, FRAME)
    )
    assert "Train a model first" in text(overview.render(overview.read(documents), FRAME))
    wanted = runs.Filter(flow="training")
    assert "No run matches this filter." in text(runs.render(runs.read(documents, wanted), wanted, FRAME))


def test_the_overview_says_what_is_in_service_since_when_and_by_whom(bucket: Bucket, documents: Documents) -> None:
    bucket.write_json("models/versioned/v1/model.json", record())
    bucket.write_json("models/latest", pointer())
    published(bucket)
    shown = text(overview.render(overview.read(documents), FRAME))
    assert "Version v1 since 2026-11-28 09:00 UTC, by jane.doe" in shown
    assert "Accuracy 0.900" in shown
    assert "Reason: it is better" in shown
    assert "0123456789abcdef" in shown


def test_a_pointer_that_names_no_version_is_an_alarm_and_the_runs_are_shown(
    bucket: Bucket, documents: Documents
) -> None:
    bucket.client.put_object(Bucket="bucket", Key="models/latest", Body=b"{}")
    published(bucket)
    shown = text(overview.render(overview.read(documents), FRAME))
    assert "models/latest names no version" in shown
    assert "0123456789abcdef" in shown


def test_text_of_a_file_or_a_person_is_never_markup(bucket: Bucket, documents: Documents) -> None:
    published(bucket, inputs=[{"uri": f"s3://bucket/raw/{HOSTILE}"}], model_version=HOSTILE)
    bucket.write_json("models/versioned/v1/model.json", record())
    bucket.write_json("models/latest", pointer(by=HOSTILE, reason=HOSTILE))
    frame = Frame(root="/complaints", user=HOSTILE)
    pages = (
        runs.render(runs.read(documents, EVERYTHING), EVERYTHING, frame),
        overview.render(overview.read(documents), frame),
        message(frame, HOSTILE, HOSTILE),
    )
    for page in pages:
        assert "alert(" in page
        assert "<img" not in page
        assert "<script>alert" not in page


def texts_of_the_pages() -> set[str]:
    """Every text that a page passes to its words."""
    modules = [*PAGES.glob("*.py"), *PLUGIN.glob("*.py")]
    calls = (node for path in modules for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    said = (call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) == "say" and call.args)
    return {call.args[0].value for call in said if isinstance(call.args[0], ast.Constant)}


def test_every_text_has_its_spanish_with_the_same_values() -> None:
    missing = sorted(texts_of_the_pages() - spanish().keys())
    assert not missing, f"add to dags/complaints/pages/spanish.json: {missing}"
    for english, translated in spanish().items():
        values = [sorted(re.findall(r"\{\w+\}", each)) for each in (english, translated)]
        assert values[0] == values[1], english


def test_in_spanish_a_page_has_spanish_texts_and_numbers(bucket: Bucket, documents: Documents) -> None:
    published(bucket)
    page = runs.render(runs.read(documents, EVERYTHING), EVERYTHING, Frame(root="", say=Words("es")))
    assert '<html lang="es">' in page
    assert "clasificación today.csv 1.600 1.525" in text(page)


def test_the_document_for_nobody_holds_nothing_and_every_script_and_style_is_allowed_by_its_hash() -> None:
    page = sign_in("/airflow")
    assert text(page) == "Sign in to Airflow"
    policy = headers()["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.replace("style-src-attr 'unsafe-inline'", "")
    assert not re.search(r" on\w+=", page)
    assert "http" not in re.sub(r"<script>.*?</script>", "", json.dumps(page), flags=re.DOTALL)


@pytest.mark.parametrize("module", sorted(path.stem for path in PAGES.glob("*.py")))
def test_the_examples_of_the_docstrings_run(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"complaints.pages.{module}")).failed == 0
