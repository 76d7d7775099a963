"""The verdicts of the gate, by what an evaluation shows and what was declared."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.models import gate
from complaints.models.gate import HOLD, PROMOTE, REJECT, Decision
from complaints.settings import load_settings
from complaints.settings.issues import IssueFloors
from tests.campaign.faults import Fault, injects
from tests.complaints.example_evaluations import beside, difference, evaluation, scores

DECLARED = load_settings().model.gate.model_copy(
    update={
        "margin": 0.01,
        "max_class_drop": 0.1,
        "min_class_recall": 0.5,
        "min_class_rows": 20,
        "max_calibration_error": 0.1,
    }
)


def judged(found: dict[str, Any], in_service: str | None = "v1", **declared: Any) -> Decision:
    return gate.verdict(found, DECLARED.model_copy(update=declared), in_service=in_service)


def overall(**changed: Any) -> dict[str, Any]:
    return {**scores(), **changed}


def of_class(name: str, recall: float, width: float, support: int = 100) -> dict[str, Any]:
    """The scores of all complaints, where one class is different."""
    found = scores()
    found["per_class"][name] = scores(recall, support, width)["per_class"]["card"]
    return found


def test_a_first_model_with_sound_scores_is_promoted() -> None:
    decision = judged(evaluation(), None)
    assert (decision["verdict"], decision["refit"]) == (PROMOTE, True)
    assert decision["reasons"] == ["it is the first model: there is none in service to compare it with"]
    assert decision["gate"]["margin"] == 0.01


@pytest.mark.parametrize(
    ("estimate", "width", "expected"),
    [
        (0.05, 0.02, PROMOTE),
        (0.0, 0.005, PROMOTE),
        (-0.005, 0.004, PROMOTE),
        (0.0, 0.02, HOLD),
        (-0.02, 0.015, HOLD),
        (-0.02, 0.005, REJECT),
    ],
    ids=["better", "equal", "within the margin", "unsure", "worse but unsure", "worse for sure"],
)
def test_a_model_must_not_be_worse_than_the_one_in_service_and_that_must_be_certain(
    estimate: float, width: float, expected: str
) -> None:
    decision = judged(evaluation(**beside(macro_f1=estimate, width=width)))
    assert decision["verdict"] == expected
    assert decision["refit"] == (expected == PROMOTE)
    assert "on 200 held-out complaints; the margin is 0.01" in decision["reasons"][0]


@injects(Fault.WORSE_MODEL)
def test_a_reason_has_the_difference_with_its_interval() -> None:
    decision = judged(evaluation(**beside(macro_f1=-0.1, width=0.02)))
    assert decision["reasons"][0] == (
        "macro-F1 is 0.100 (-0.120 to -0.080) below v1's on 200 held-out complaints; the margin is 0.01"
    )


@injects(Fault.WORSE_MODEL)
def test_a_model_that_is_better_on_the_whole_and_worse_on_one_class_is_rejected() -> None:
    recalls = {"card": difference(0.2), "mortgage": difference(-0.3, 0.1)}
    decision = judged(evaluation(**beside(macro_f1=0.05, recalls=recalls)))
    assert decision["verdict"] == REJECT
    assert decision["reasons"] == ["mortgage: recall is 0.300 (-0.400 to -0.200) below v1's; a drop of 0.1 is allowed"]
    unsure = judged(evaluation(**beside(macro_f1=0.05, recalls={"mortgage": difference(-0.12, 0.1)})))
    assert unsure["verdict"] == HOLD


@injects(Fault.WORSE_MODEL)
def test_a_model_that_is_worse_on_the_newest_complaints_is_rejected() -> None:
    found = beside(macro_f1=0.02)
    found["comparison"]["newest"] = {**found["comparison"]["newest"], "macro_f1_difference": difference(-0.05)}
    decision = judged(evaluation(**found))
    assert decision["verdict"] == REJECT
    assert "on the newest complaints" in decision["reasons"][0]


@injects(Fault.RARE_CLASS)
def test_a_class_that_the_model_in_service_knows_and_this_one_does_not_is_named() -> None:
    found = beside()
    found["in_service"]["classes"] = ["card", "mortgage", "student_loan"]
    decision = judged(evaluation(**found))
    assert (decision["verdict"], decision["reasons"]) == (REJECT, ["v1 knows student_loan, and this model does not"])


@injects(Fault.RARE_CLASS)
def test_a_class_with_too_few_held_out_complaints_is_named_and_the_model_held() -> None:
    few = of_class("mortgage", 1.0, 0.0, support=19)
    decision = judged(evaluation(overall=few, **beside()))
    assert decision["verdict"] == HOLD
    assert decision["reasons"] == ["mortgage: 19 held-out complaints are too few to judge; 20 are needed"]
    assert judged(evaluation(overall=few), None)["verdict"] == PROMOTE, "a first model is better than none"


def test_a_class_below_its_floor_is_rejected_where_that_is_certain() -> None:
    certain, unsure = of_class("mortgage", 0.3, 0.1), of_class("mortgage", 0.45, 0.1)
    for in_service, more in ((None, {}), ("v1", beside())):
        decision = judged(evaluation(overall=certain, **more), in_service)
        assert decision["reasons"] == ["mortgage: recall 0.300 (0.200 to 0.400), floor 0.5"]
        assert decision["verdict"] == REJECT
    assert judged(evaluation(overall=unsure, **beside()))["verdict"] == HOLD
    assert judged(evaluation(overall=unsure), None)["verdict"] == PROMOTE
    lower: dict[str, Any] = {"class_floors": {"mortgage": 0.2}}
    assert judged(evaluation(overall=certain, **beside()), **lower)["verdict"] == PROMOTE


def test_confidence_that_is_not_accuracy_is_rejected_beyond_what_chance_explains() -> None:
    off = overall(expected_calibration_error=0.2)
    assert judged(evaluation(overall=off, **beside()))["verdict"] == REJECT
    by_chance = {**off, "calibration": {"by_chance": 0.25, "bins": []}}
    assert judged(evaluation(overall=by_chance, **beside()))["verdict"] == PROMOTE
    no_better = beside()
    no_better["in_service"]["overall"]["expected_calibration_error"] = 0.2
    assert judged(evaluation(overall=off, **no_better))["verdict"] == PROMOTE
    assert judged(evaluation(overall=off), None)["verdict"] == PROMOTE


@injects(Fault.LEAK)
def test_scores_on_narratives_that_the_model_was_trained_on_say_nothing() -> None:
    leak = {"rows": 12, "complaint_ids": ["1", "2"]}
    for in_service, more in ((None, {}), ("v1", beside(macro_f1=0.1))):
        decision = judged(evaluation(leak=leak, **more), in_service)
        assert decision["verdict"] == REJECT
        assert decision["reasons"][0].startswith(
            "12 held-out narratives are among the training rows, too (complaints 1,"
        )


@injects(Fault.SAME_MODEL)
def test_the_same_model_again_is_held_for_that_reason_alone() -> None:
    found = beside()
    found["in_service"]["content_sha256"] = evaluation()["content_sha256"]
    decision = judged(evaluation(**found))
    assert (decision["verdict"], decision["reasons"]) == (
        HOLD,
        ["this is the same model as v1: nothing would change"],
    )


@pytest.mark.parametrize(
    ("now", "more", "told"),
    [
        ("v2", beside(), "v2 is in service now, but v1 was"),
        (None, beside(), "no model is in service now, but v1 was"),
        ("v1", {}, "v1 is in service now, but no model was"),
    ],
    ids=["another", "none", "the first"],
)
def test_a_model_that_was_compared_with_another_than_the_one_in_service_is_held(
    now: str | None, more: dict[str, Any], told: str
) -> None:
    decision = judged(evaluation(**more), now)
    assert decision["verdict"] == HOLD
    assert decision["reasons"][0].startswith(told)


def test_a_model_in_service_that_cannot_be_scored_leaves_the_decision_to_a_person() -> None:
    error = {"version": "v1", "sha256": "1" * 64, "error": "made by scikit-learn 1.4.2"}
    decision = judged(evaluation(in_service=error))
    assert (decision["verdict"], decision["reasons"]) == (
        HOLD,
        ["v1 cannot be scored beside it: made by scikit-learn 1.4.2"],
    )


def test_nothing_to_compare_on_is_not_enough_evidence() -> None:
    found = beside()
    found["comparison"] = {"overall": {"n": 0, "seen_by_in_service": 200}}
    assert judged(evaluation(**found))["verdict"] == HOLD


def test_of_very_many_reasons_the_first_are_given_and_the_others_counted() -> None:
    many = {f"class_{number:03}": difference(-0.5) for number in range(100)}
    decision = judged(evaluation(**beside(macro_f1=0.1, recalls=many)))
    assert len(decision["reasons"]) == 21
    assert decision["reasons"][-1] == "and 80 more"


def test_without_a_refit_a_model_that_passed_serves_as_it_is() -> None:
    decision = judged(evaluation(), None, refit=False)
    assert (decision["verdict"], decision["refit"]) == (PROMOTE, False)


@pytest.mark.parametrize(
    ("high", "expected"), [(0.39, REJECT), (0.41, PROMOTE)], ids=["below for sure", "perhaps not below"]
)
def test_issues_that_are_certainly_below_their_floor_reject_a_model(high: float, expected: str) -> None:
    issues = {"accuracy": 0.35, "macro_f1": 0.3, "intervals": {"accuracy": [0.3, high], "macro_f1": [0.2, 0.4]}}
    found = evaluation() | {"issues": {"overall": issues}}
    floors = IssueFloors(accuracy=0.4, macro_f1=0.25)
    decision = gate.verdict(found, DECLARED, in_service=None, issue_floors=floors)
    assert decision["verdict"] == expected
    assert gate.verdict(found, DECLARED, in_service=None)["verdict"] == PROMOTE
    if expected == REJECT:
        assert decision["reasons"] == ["issues: accuracy 0.350 (0.300 to 0.390), floor 0.4"]


@pytest.mark.parametrize(
    ("estimate", "width", "expected"),
    [(0.05, 0.02, PROMOTE), (-0.005, 0.004, PROMOTE), (-0.02, 0.015, HOLD), (-0.02, 0.005, REJECT)],
    ids=["better", "within the margin", "worse but unsure", "worse for sure"],
)
def test_issues_are_compared_with_those_of_the_model_in_service_as_products_are(
    estimate: float, width: float, expected: str
) -> None:
    issues = {"overall": scores(), "comparison": beside(macro_f1=estimate, width=width)["comparison"]}
    found = evaluation(**beside(macro_f1=0.05)) | {"issues": issues}
    floors = IssueFloors(accuracy=0.4, macro_f1=0.25)
    decision = gate.verdict(found, DECLARED, in_service="v1", issue_floors=floors)
    assert decision["verdict"] == expected
    assert any(each.startswith("issues: macro-F1 is ") for each in decision["reasons"])
    assert gate.verdict(found, DECLARED, in_service="v1")["verdict"] == PROMOTE, "the second question is off"


def test_a_model_in_service_without_issues_has_none_to_compare_with() -> None:
    found = evaluation(**beside(macro_f1=0.05)) | {"issues": {"overall": scores()}}
    floors = IssueFloors(accuracy=0.4, macro_f1=0.25)
    assert gate.verdict(found, DECLARED, in_service="v1", issue_floors=floors)["verdict"] == PROMOTE
