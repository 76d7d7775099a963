"""The plan of a classification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from complaints.aws.job_kinds import TRANSFORM
from complaints.aws.objects import ObjectVersion
from complaints.runs.plans.common import (
    Plan,
    bucket_uri,
    checked_name,
    code_folder,
    common_plan,
    held_out_rows,
    rows_to_train_on,
    run_folder,
)
from complaints.settings import Settings

_LONGEST_MODEL_NAME = 63  # CreateModel


class ClassificationPlan(Plan):
    """The plan of one classification run; `stated_version` is empty where the model in service classifies."""

    stated_version: str
    model_version: str
    model_sha256: str
    model_name: str
    prepare_complaints_script_uri: str
    audit_results_script_uri: str
    records_uri: str
    classes: str
    review_below: str
    issues: str
    columns: str
    trained_on: str
    scores_uri: str
    candidate_uri: str
    results_uri: str
    results_account_uri: str
    transform_job_name: str
    shadow_version: str
    shadow_model_name: str
    shadow_job_name: str
    shadow_scores_uri: str
    shadow_comparison_uri: str


def classification_plan(
    inputs: list[ObjectVersion],
    *,
    source: str,
    release: str,
    model: Mapping[str, Any],
    settings: Settings,
    shadow: Mapping[str, Any] | None = None,
    stated_version: str = "",
) -> ClassificationPlan:
    """The plan to classify `inputs` with a model, given by its record in the registry.

    A `shadow` changes nothing of the run that is published, and so not its id. Without one, its version is empty.

    Raises:
        PlanError: a name is too long for AWS.
    """
    common = common_plan("classification", inputs, source, release, settings, model["version"])
    run, code = run_folder(settings, common["run_id"]), code_folder(settings, release)
    return {
        **common,
        "stated_version": stated_version,
        "model_version": model["version"],
        "model_sha256": model["sha256"],
        "model_name": checked_name("model_name", model["model_name"], _LONGEST_MODEL_NAME),
        "prepare_complaints_script_uri": f"{code}/glue/prepare_complaints.py",
        "audit_results_script_uri": f"{code}/glue/audit_results.py",
        "records_uri": f"{run}/records/",
        "classes": json.dumps(model["evaluation"]["classes"]),
        "review_below": str(settings.model.review_below),
        "issues": settings.model.issues.of_results((model["evaluation"].get("issues") or {}).get("classes", ())),
        "columns": json.dumps(settings.pipeline.results.columns),
        "trained_on": json.dumps(_trained_on(model, settings)),
        "scores_uri": f"{run}/scores/",
        "candidate_uri": f"{run}/results/",
        "results_uri": f"{bucket_uri(settings)}/results/",
        "results_account_uri": f"{run}/results_account/",
        "transform_job_name": checked_name(
            "transform_job_name", f"complaints-classify-{common['run_id']}", TRANSFORM.longest_planned_name
        ),
        **_shadow(common["run_id"], shadow, settings),
    }


class _ShadowPlan(TypedDict):
    shadow_version: str
    shadow_model_name: str
    shadow_job_name: str
    shadow_scores_uri: str
    shadow_comparison_uri: str


def _shadow(run: str, shadow: Mapping[str, Any] | None, settings: Settings) -> _ShadowPlan:
    version = shadow["version"] if shadow else ""
    folder = f"{bucket_uri(settings)}/shadow/run_id={run}/version={version or 'none'}"
    name = f"complaints-shadow-{version}-{run}" if version else f"complaints-shadow-{run}"
    return {
        "shadow_version": version,
        "shadow_model_name": shadow["model_name"] if shadow else "",
        "shadow_job_name": checked_name("shadow_job_name", name, TRANSFORM.longest_planned_name),
        "shadow_scores_uri": f"{folder}/scores/",
        "shadow_comparison_uri": f"{folder}/comparison.json",
    }


def _trained_on(model: Mapping[str, Any], settings: Settings) -> list[str]:
    """Where all rows are that the model which serves has seen: the held-out ones, too, if it was refitted on them.

    Patterns of the innermost folders: Spark refuses several folders with partitions in each.
    """
    run = run_folder(settings, model["run_id"])
    folders = [rows_to_train_on(run), *([held_out_rows(run)] if model.get("refitted") else [])]
    return [f"{folder}fate=*/" for folder in folders]
