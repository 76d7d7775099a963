"""The orders that must never change: each has lost data or money somewhere."""

from __future__ import annotations

from typing import Any

import pytest

ORDERS = [
    ("complaints_classification", "await_complaints", "plan_classification", "a plan needs something to plan"),
    ("complaints_classification", "plan_classification", "prepare_complaints", "every name comes from the plan"),
    ("complaints_classification", "prepare_complaints", "classify_complaints", "records are written before scoring"),
    ("complaints_classification", "classify_complaints", "audit_results", "results are made of scores"),
    ("complaints_classification", "audit_results", "results_add_up", "the account is checked once it is complete"),
    ("complaints_classification", "results_add_up", "publish_manifest", "nothing is visible that does not add up"),
    ("complaints_arrivals", "await_arrivals", "find_arrivals", "what is due is listed once it is there"),
    ("complaints_arrivals", "start_classification", "remember", "the ledger names only what was started"),
    ("complaints_ingestion", "is_new_export", "fetch_export", "nothing is downloaded that was ingested"),
    ("complaints_ingestion", "fetch_export", "compare_exports", "what is compared is what was checked"),
    ("complaints_ingestion", "compare_exports", "export_adds_up", "the account is checked once it is complete"),
    ("complaints_ingestion", "export_adds_up", "publish_export", "nothing is visible that does not add up"),
    ("complaints_training", "prepare_history", "history_adds_up", "the account is checked once it is complete"),
    ("complaints_training", "history_adds_up", "tune_model", "nothing is tuned on a history with lost rows"),
    ("complaints_training", "tune_model", "choose_hyperparameters", "the best are known once all have been tried"),
    ("complaints_training", "choose_hyperparameters", "train_model", "the model is trained with the best"),
    ("complaints_training", "history_adds_up", "train_model", "nothing is learned from a history with lost rows"),
    ("complaints_training", "train_model", "evaluate_model", "what is evaluated is what was trained"),
    ("complaints_training", "evaluate_model", "decide", "the verdict is about the evaluation"),
    ("complaints_training", "decide", "refit_model", "held-out rows are learned from once the gate is passed"),
    ("complaints_training", "decide", "register_model", "a version's record has its verdict"),
    ("complaints_training", "refit_model", "register_model", "what is registered is what serves"),
    ("complaints_training", "register_model", "promote_model", "only a registered version goes into service"),
    ("complaints_monitoring", "can_be_assessed", "assess_classification", "without a baseline no job is started"),
    ("complaints_monitoring", "assess_classification", "decide_monitoring", "the decision is about the assessment"),
    ("complaints_backfill", "is_for_real", "classify_again", "a dry run classifies nothing"),
    ("complaints_backfill", "classify_again", "compare_backfill", "what is compared is what was published"),
    ("complaints_promotion", "plan_promotion", "move_pointer", "a rollback that is retried goes back once"),
]


@pytest.mark.parametrize(("dag_id", "first", "then", "why"), ORDERS)
def test_order_is_kept(dags: dict[str, Any], dag_id: str, first: str, then: str, why: str) -> None:
    after = {task.task_id for task in dags[dag_id].get_task(first).get_flat_relatives(upstream=False)}
    assert then in after, f"{dag_id}: {then} must come after {first}: {why}"


def test_after_the_manifest_comes_only_the_shadow(dags: dict[str, Any]) -> None:
    after = dags["complaints_classification"].get_task("publish_manifest").get_flat_relatives(upstream=False)
    assert {task.task_id for task in after} == {"has_shadow", "shadow_complaints", "compare_shadow"}


def test_a_training_ends_with_a_promotion_or_with_the_reasons_against_one(dags: dict[str, Any]) -> None:
    last = {task.task_id for task in dags["complaints_training"].tasks if not task.downstream_task_ids}
    assert last == {"promote_model", "report_refusal"}
