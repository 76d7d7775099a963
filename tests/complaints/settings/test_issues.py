"""The section `issues` says who is told what, and changes no run where it is off."""

from __future__ import annotations

import json
from datetime import date

import pytest
from pydantic import ValidationError

from complaints.aws.objects import ObjectVersion
from complaints.runs import requests
from complaints.runs.plans import classification_plan, training_plan
from complaints.settings import Settings, load_settings
from complaints.settings.issues import Issues, RenamedIssue

SETTINGS = load_settings()
INPUTS = [ObjectVersion("raw/a.csv", "etag", 1, "2026-01-01T00:00:00+00:00")]


def told(*, predict: bool, **changed: object) -> Settings:
    issues = SETTINGS.model.issues.model_copy(update={"predict": predict, **changed})
    return SETTINGS.model_copy(update={"model": SETTINGS.model.model_copy(update={"issues": issues})})


def plans(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """The hyperparameters of a training, and the arguments of the audit of a classification."""
    model = {"version": "v1", "run_id": "1" * 16, "model_name": "m", "sha256": "0" * 64}
    model |= {"evaluation": {"classes": ["card"], "issues": {"classes": ["Scam", "other"]}}}  # type: ignore[dict-item]
    classifying = classification_plan(INPUTS, source="raw/", release="r", model=model, settings=settings)
    training = training_plan(INPUTS, source="history/", release="r", settings=settings)
    history = requests.prepare_history_arguments(training)
    return {**training["hyperparameters"], **history}, requests.audit_results_arguments(classifying)


def test_off_nobody_hears_of_it_and_every_run_keeps_its_id() -> None:
    off = told(predict=False)
    assert off.fingerprint() == told(predict=False, top=5).fingerprint()
    assert off.fingerprint() != told(predict=True).fingerprint() != told(predict=True, top=5).fingerprint()
    training, audit = plans(off)
    assert not [name for name in training if name.startswith("issues_")]
    assert (training["--issue_rules"], audit["--issues"]) == ("null", "null")


def test_on_the_jobs_hear_the_renamed_issues_the_number_of_classes_and_the_classes_of_the_model() -> None:
    renamed = (RenamedIssue(old="Fraud", new="Scam", until=date(2017, 4, 23)), RenamedIssue(old="a", new="b"))
    training, audit = plans(told(predict=True, renamed=renamed, top=7, review_below=0.3))
    rules = [["Fraud", "Scam", "2017-04-23"], ["a", "b", None]]
    assert (training["issues_top"], training["issues_other"]) == ("7", '"other"')
    assert json.loads(training["--issue_rules"]) == rules
    assert json.loads(audit["--issues"]) == {
        "review_below": 0.3,
        "classes": ["Scam", "other"],
        "other": "other",
        "renamed": rules,
    }


def test_a_rule_that_names_no_issue_is_refused() -> None:
    own = SETTINGS.model.issues.model_dump()
    with pytest.raises(ValidationError, match="at least 1 character"):
        Issues.model_validate({**own, "renamed": [{"old": "", "new": "b"}]})
