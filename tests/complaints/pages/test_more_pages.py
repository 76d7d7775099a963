"""The pages of one run, of the models and of monitoring: what jobs wrote, and a sentence where they wrote nothing."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.aws.bucket import Bucket
from complaints.pages import airflow_run, models, monitoring, overview, results, runs, window
from complaints.pages.documents import Documents
from complaints.pages.formatting import plain
from complaints.pages.frame import Frame
from complaints.pages.rows import FATES
from complaints.pages.scores import LABELLED, NEWEST, TEST
from complaints.pages.words import Words, spanish
from complaints.runs import costs
from complaints.settings import load_settings
from tests.complaints.example_evaluations import evaluation, scores
from tests.complaints.pages.examples import manifest, pointer, record
from tests.complaints.pages.test_pages import HOSTILE, text

RUN = "0123456789abcdef"
VIEWER = Frame(root="/complaints", user="jane")
OPERATOR = Frame(root="/complaints", user="jane", may=frozenset({"complaints_promotion"}))


def account() -> dict[str, Any]:
    counts = {
        "label": "card",
        "predicted_product": "card",
        "confidence_tenth": 9,
        "rows": 1525,
        "confidence_sum": 1400.0,
    }
    source = {"source": "s3://bucket/raw/today.csv", **manifest()["account"]}
    return {"by_source": [source], "scores": [counts]}


def assessment(run_id: str = RUN, estimate: float = 0.861, **changed: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "model_version": "v1",
        "n": 1525,
        "estimated_accuracy": {"estimate": estimate, "low": estimate - 0.02, "high": estimate + 0.02},
        "signals": {
            "length": {"value": 0.03, "threshold": 0.05, "moved": False},
            "confidence": {"value": 0.09, "threshold": 0.05, "moved": True},
        },
        "violations": [],
        **changed,
    }


def decision(run_id: str = RUN, action: str = "evaluate", at: str = "2026-11-28T11:00:00+00:00") -> dict[str, Any]:
    return {"run_id": run_id, "model_version": "v1", "decided_at": at, "action": action, "reasons": ["it has drifted"]}


def shown(bucket: Bucket, frame: Frame = VIEWER, language: str = "en") -> str:
    found = results.read(Documents(bucket), RUN)
    assert found
    return results.render(found, Frame(root=frame.root, say=Words(language)))


def test_the_page_of_a_run_has_its_rows_predictions_confidence_review_and_files(bucket: Bucket) -> None:
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest())
    bucket.write_json("models/versioned/v1/model.json", record())
    bucket.client.put_object(Bucket="bucket", Key=f"processed/run_id={RUN}/results_account/_SUCCESS", Body=b"")
    bucket.write_json(f"processed/run_id={RUN}/results_account/part-0.json", account())
    page = text(shown(bucket))
    assert "rows in 1,600 ✓ adds up" in page
    assert "raw/today.csv 1,600 1,525" in page
    assert "card 1,000 65.6% 50.0%" in page, "the share now, and at the evaluation"
    assert "63 of 1,525 classified complaints (4.1%) should be looked at by a person." in page
    assert "no complaint id 15" in page
    assert "0.9 - 1.0: 1,525" in shown(bucket)
    assert f"results/{RUN}-00000-aa.parquet 1,525 9" in page


def test_the_page_of_a_run_has_the_predicted_issues_where_they_were_asked_for(bucket: Bucket) -> None:
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest())
    assert "Predicted issues" not in shown(bucket)
    predicted = {"Incorrect information on your report": 900, "other": 625}
    bucket.client.delete_object(Bucket=bucket.name, Key=f"manifests/run_id={RUN}.json")
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest(predicted_issues=predicted))
    page = text(shown(bucket))
    assert "Predicted issues" in page
    assert "Incorrect information on your report 900" in page


def test_the_page_of_a_run_has_its_largest_companies_and_states_where_they_are_published(bucket: Bucket) -> None:
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest())
    key = f"processed/run_id={RUN}/results_account/part-0.json"
    bucket.write_json(key, account())
    assert "Companies and states" not in text(shown(bucket)), "an earlier release counted none"
    companies = [{"name": "Acme", "rows": 1500, "for_review": 60}, {"name": None, "rows": 25, "for_review": 3}]
    bucket.write_json(key, {**account(), "by_company": companies})
    page = text(shown(bucket))
    assert "By company" in page
    assert "Acme 1,500 98.4% 60" in page
    assert "all others, or not stated 25 1.6% 3" in page
    assert "By state" not in page


def test_the_page_of_a_run_leads_to_its_steps_and_says_how_to_download_its_files(bucket: Bucket) -> None:
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest())
    found = results.read(Documents(bucket), RUN)
    assert found
    page = results.render(found, VIEWER, runs.Origin("complaints_classification", "manual__1+1", 61.5))
    assert 'href="/complaints/airflow/complaints_classification/manual__1%2B1"' in page
    assert "61.5 s" in page
    assert f"aws s3 cp s3://bucket/results/ . --recursive --exclude &#x27;*&#x27; --include &#x27;{RUN}*&#x27;" in page


def test_a_chart_has_its_numbers_in_a_table_behind_it(bucket: Bucket) -> None:
    bucket.write_json(f"monitoring/run_id={RUN}/monitoring.json", assessment())
    bucket.write_json(f"monitoring/run_id={RUN}/decision.json", decision())
    page = text(monitoring.render(monitoring.read(Documents(bucket)), VIEWER))
    assert "As a table time value from to 2026-11-28 0.861 0.841 0.881" in page


def test_the_page_of_a_run_has_what_it_was_estimated_to_cost_and_what_its_jobs_cost(bucket: Bucket) -> None:
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest())
    prices = load_settings().pipeline.prices
    estimated, recorded = (
        costs.cost_of(costs.Usage(dpu_seconds={"5.1": seconds}), prices) for seconds in (3600.0, 36000.0)
    )
    bucket.write_json(f"ledger/costs/run_id={RUN}.json", {"run_id": RUN, "estimated": estimated, "recorded": recorded})
    page = text(shown(bucket))
    assert f"Cost, estimated before : {costs.sentence(estimated)}" in page.replace("before:", "before :")
    assert costs.sentence(recorded) in page


def test_in_spanish_the_page_of_a_run_has_no_english_sentence_left(bucket: Bucket) -> None:
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest(scores=scores()))
    bucket.write_json(f"monitoring/run_id={RUN}/monitoring.json", assessment())
    page = text(shown(bucket, language="es"))
    assert "filas leídas 1.600 ✓ cuadra" in page
    for english in ("Every row", "share of", "should be looked at", "These complaints"):
        assert english not in page


def test_a_run_that_published_nothing_is_a_sentence(bucket: Bucket) -> None:
    assert results.read(Documents(bucket), RUN) is None
    assert "has published nothing" in text(results.nothing_published(RUN, VIEWER))


def test_a_run_without_classified_rows_has_its_account_and_no_file(bucket: Bucket) -> None:
    empty = {"rows_in": 2, "classified": 0, "without_narrative": 2, "quarantined": 0, "superseded": 0}
    bucket.write_json(
        f"manifests/run_id={RUN}.json", manifest(account=empty, predicted_products={}, needs_review={}, results=[])
    )
    page = text(shown(bucket))
    assert "rows in 2 ✓ adds up" in page
    assert "no row was classified" in page


def test_the_models_stand_in_a_table_newest_first_and_the_one_in_service_is_marked(bucket: Bucket) -> None:
    for version in ("v2", "v10"):
        bucket.write_json(f"models/versioned/{version}/model.json", record(version))
    bucket.write_json("models/latest", pointer("v2"))
    found = models.read(Documents(bucket))
    assert [each["version"] for each in found.records] == ["v10", "v2"]
    page = text(models.render(found, VIEWER))
    assert "v10 PROMOTE 0.900" in page
    assert page.count("in service") == 1


def test_only_who_may_trigger_a_promotion_has_buttons_and_a_refused_version_has_to_be_forced(bucket: Bucket) -> None:
    refused = {"verdict": "REJECT", "reasons": ["a class is lost"]}
    bucket.write_json("models/versioned/v1/model.json", record("v1"))
    bucket.write_json("models/versioned/v2/model.json", record("v2", verdict=refused))
    bucket.write_json("models/versioned/v3/model.json", record("v3"))
    bucket.write_json("models/latest", pointer("v1", previous="v3"))
    found = models.read(Documents(bucket))
    assert "<button" not in models.render(found, VIEWER).replace("<button>Compare</button>", "")
    page = models.render(found, OPERATOR)
    assert text(page).count("Force: it is not approved") == 1
    for name in ("Promote v2", "Promote v3", "Roll back to v3"):
        assert name in text(page)
    assert "Promote v1" not in text(page), "it is in service"
    assert 'data-version="previous"' in page


def test_the_page_of_a_version_has_verdict_scores_and_card(bucket: Bucket) -> None:
    one = record("v2", in_service="v1", verdict={"verdict": "HOLD", "reasons": ["too few", "too old"]})
    page = text(models.render_version(one, "# Card", "v1", VIEWER))
    assert "HOLD, as too few" in page
    assert "too old" in page
    assert "0.900 share of correct predictions" in page
    assert "# Card" in page


def test_two_versions_are_compared_class_by_class_and_on_the_same_complaints(bucket: Bucket) -> None:
    overall = {"n": 200, "agreement": 0.9, "challenger_right": 12, "in_service_right": 5, "both_wrong": 3}
    newer = record("v2", in_service="v1", evaluation=evaluation(overall=scores(0.95), comparison={"overall": overall}))
    page = text(models.render_comparison(record("v1"), newer, VIEWER))
    assert "card 0.900 0.950 0.900 0.950 +0.050" in page
    assert "only v2 is right 12" in page
    assert "only v1 is right 5" in page


def test_monitoring_has_the_estimate_of_each_window_and_what_was_decided_and_why(bucket: Bucket) -> None:
    for number, (run, action) in enumerate((("1" * 16, "keep"), ("2" * 16, "evaluate"))):
        bucket.write_json(f"monitoring/run_id={run}/monitoring.json", assessment(run, 0.8 + number / 20))
        bucket.write_json(
            f"monitoring/run_id={run}/decision.json", decision(run, action, f"2026-11-2{number}T11:00:00")
        )
    found = monitoring.read(Documents(bucket))
    assert {each.run_id for each in found} == {"1" * 16, "2" * 16}
    page = monitoring.render(found, VIEWER)
    assert "<polyline" in page
    assert "0.850 0.830 - 0.870 confidence Evaluate the model it has drifted" in text(page)
    assert "confidence 0.0900 0.0500 changed" in text(page)


def test_a_window_that_was_not_assessed_has_its_reason(bucket: Bucket) -> None:
    bucket.write_json(f"monitoring/run_id={RUN}/decision.json", decision(action="wait"))
    page = text(monitoring.render(monitoring.read(Documents(bucket)), VIEWER))
    assert "Wait for more complaints it has drifted" in page
    assert "no estimate of the accuracy" in page


def test_a_decision_that_needs_a_person_is_an_alarm_on_the_first_page(bucket: Bucket) -> None:
    bucket.write_json("models/latest", pointer())
    bucket.write_json(f"monitoring/run_id={RUN}/decision.json", decision(action="stop"))
    page = text(overview.render(overview.read(Documents(bucket)), VIEWER))
    assert "Monitoring asks for a person. Stop, the data are faulty. it has drifted." in page


def test_empty_pages_say_what_to_do(bucket: Bucket) -> None:
    documents = Documents(bucket)
    assert "run complaints_training" in text(models.render(models.read(documents), OPERATOR))
    assert "complaints_monitoring runs after each one" in text(monitoring.render(monitoring.read(documents), VIEWER))


@pytest.mark.parametrize("found", [{}, {"verdict": None, "evaluation": None}, {"verdict": "HOLD"}])
def test_a_version_of_an_earlier_release_is_shown_as_far_as_it_goes(found: dict[str, Any]) -> None:
    old = {"version": "v1", **found}
    for page in (
        models.render(models.Models([old, {"version": "v2"}], None, []), OPERATOR),
        models.render_version(old, "", "", OPERATOR),
        models.render_comparison(old, {"version": "v2"}, OPERATOR),
    ):
        assert "v1" in text(page)


def test_text_of_a_record_or_a_decision_is_never_markup(bucket: Bucket) -> None:
    verdict = {"verdict": HOSTILE, "reasons": [HOSTILE, HOSTILE]}
    bad = record("v1", verdict=verdict, in_service=HOSTILE, created_at=HOSTILE)
    change = {"at": HOSTILE, "action": HOSTILE, "version": HOSTILE, "by": HOSTILE, "reason": HOSTILE}
    frame = Frame(root="/complaints", user=HOSTILE, may=OPERATOR.may)
    pages = [
        models.render(models.Models([bad], pointer("v9", previous=HOSTILE), [{"last_change": change}]), frame),
        models.render_version(bad, HOSTILE, "", frame),
        models.render_comparison(bad, bad, frame),
    ]
    bucket.write_json(f"monitoring/run_id={RUN}/decision.json", {**decision(), "action": HOSTILE, "reasons": [HOSTILE]})
    pages.append(monitoring.render(monitoring.read(Documents(bucket)), frame))
    for page in pages:
        assert "alert(" in page
        assert "<img" not in page
        assert "<script>alert" not in page


def test_what_is_said_by_its_variable_has_its_spanish_too() -> None:
    said = {*window.ACTIONS.values(), *window.SIGNALS.values(), *runs.ORCHESTRATORS.values(), *FATES.values()}
    said |= {*(plain(name) for name in (*FATES, *runs.COLUMNS)), *TEST, *NEWEST, *LABELLED}
    assert not said - spanish().keys() - {"test", "train", "newest", "unmapped"}


STEPS = [
    airflow_run.Step("plan_classification", "success", 2.5, 1),
    airflow_run.Step("prepare_complaints", "failed", 40.0, 2),
    airflow_run.Step("publish_manifest", "upstream_failed", None, 0),
]


def of_airflow(bucket: Bucket, state: str, **names: Any) -> str:
    run = airflow_run.AirflowRun("complaints_classification", "manual", state, STEPS, **names)
    return text(airflow_run.render(run, *airflow_run.read(Documents(bucket), run), VIEWER))


def test_a_failed_run_of_airflow_says_at_which_step_and_has_the_time_of_each(bucket: Bucket) -> None:
    page = of_airflow(bucket, "failed", run_id=RUN)
    assert "It failed at prepare_complaints and has published nothing." in page
    assert "prepare_complaints 40.0 s failed 2" in page
    assert "publish_manifest - upstream_failed 0" in page


def test_a_run_of_airflow_has_its_outcome_in_one_line(bucket: Bucket) -> None:
    bucket.write_json(f"manifests/run_id={RUN}.json", manifest())
    bucket.write_json(f"monitoring/run_id={RUN}/monitoring.json", assessment())
    page = of_airflow(bucket, "success", run_id=RUN)
    assert "1,525 classified, 15 quarantined, v1, estimated accuracy 0.861" in page
    assert "This run has made v3." in of_airflow(bucket, "success", version="v3")
