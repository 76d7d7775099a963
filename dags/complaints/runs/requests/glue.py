"""StartJobRun of the Glue jobs: the functions return its `Arguments`."""

from __future__ import annotations

import json
from typing import Any

from complaints.ingestion.exports import EXPORTS
from complaints.ingestion.plans import IngestionPlan
from complaints.runs.plans import ClassificationPlan, Plan, TrainingPlan
from complaints.settings import Settings


def prepare_history_arguments(plan: TrainingPlan) -> dict[str, Any]:
    """StartJobRun `Arguments`: labelled complaints in, slices for training and testing out."""
    return {
        **_code_arguments(plan, plan["prepare_history_script_uri"]),
        **_prepare_arguments(plan),
        "--newest_fraction": plan["newest_fraction"],
        "--test_fraction": plan["test_fraction"],
        "--issue_rules": plan["issue_rules"],
        "--rows": plan["rows_uri"],
    }


def prepare_complaints_arguments(plan: ClassificationPlan) -> dict[str, Any]:
    """StartJobRun `Arguments`: raw files in, the account of every row and the records to classify out."""
    return {
        **_code_arguments(plan, plan["prepare_complaints_script_uri"]),
        **_prepare_arguments(plan),
        "--issues": plan["issues"],
        "--records": plan["records_uri"],
    }


def audit_results_arguments(plan: ClassificationPlan) -> dict[str, Any]:
    """StartJobRun `Arguments`: complaints and their scores in, the candidate for publication out."""
    return {
        **_code_arguments(plan, plan["audit_results_script_uri"]),
        "--run_id": plan["run_id"],
        "--model_version": plan["model_version"],
        "--classes": plan["classes"],
        "--review_below": plan["review_below"],
        "--issues": plan["issues"],
        "--columns": plan["columns"],
        "--trained_on": plan["trained_on"],
        "--complaints": plan["complaints_uri"],
        "--prepared": plan["account_uri"],
        "--records": plan["records_uri"],
        "--scores": plan["scores_uri"],
        "--candidate": plan["candidate_uri"],
        "--account": plan["results_account_uri"],
    }


def fetch_export_arguments(plan: IngestionPlan, settings: Settings) -> dict[str, Any]:
    """StartJobRun `Arguments`: the public export in, the checked object under `exports/` and its record out."""
    pipeline = settings.pipeline
    return {
        **_code_arguments(plan, plan["fetch_export_script_uri"]),
        "--url": plan["url"],
        "--bucket": pipeline.storage.bucket,
        "--exports": EXPORTS,
        "--fetched": plan["fetched_uri"],
        "--limits": plan["limits"],
        "--max_file_mb": str(pipeline.limits.max_file_mb),
        "--connect_seconds": str(pipeline.ingestion.connect_timeout_seconds),
        "--stall_seconds": str(pipeline.ingestion.stall_timeout_seconds),
        "--tries": str(pipeline.ingestion.max_tries),
    }


def compare_exports_arguments(plan: IngestionPlan, settings: Settings) -> dict[str, Any]:
    """StartJobRun `Arguments`: two exports in, the complaints that are new or changed and the account out."""
    return {
        **_code_arguments(plan, plan["compare_exports_script_uri"]),
        "--plan": plan["plan_uri"],
        "--fetched": plan["fetched_uri"],
        "--limits": plan["limits"],
        "--columns": json.dumps(settings.pipeline.ingestion.compared_columns),
        "--first_export": str(settings.pipeline.ingestion.first_export),
        "--parsed": plan["parsed_uri"],
        "--changed": plan["changed_uri"],
        "--quarantine": plan["quarantine_uri"],
        "--account": plan["account_uri"],
    }


def _code_arguments(plan: Plan | IngestionPlan, script_uri: str) -> dict[str, Any]:
    """The code of the plan's release. The job's definition names the newest release, which may be another one by now.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
    """
    return {"--scriptLocation": script_uri, "--extra-py-files": plan["glue_modules_uri"]}


def _prepare_arguments(plan: Plan) -> dict[str, Any]:
    return {
        "--plan": plan["plan_uri"],
        "--limits": plan["limits"],
        "--label_rules": plan["label_rules"],
        "--parsed": plan["parsed_uri"],
        "--complaints": plan["complaints_uri"],
        "--quarantine": plan["quarantine_uri"],
        "--account": plan["account_uri"],
    }
