"""The Glue jobs that the DAGs start: one definition per script, created or updated by each deployment."""

from __future__ import annotations

from typing import Any

from complaints.settings import PipelineSettings

# The scripts in `include/glue`, and the setting that names the job of each.
SCRIPTS = {
    "prepare_history.py": "prepare_history_job",
    "prepare_complaints.py": "prepare_complaints_job",
    "audit_results.py": "audit_results_job",
    "fetch_export.py": "fetch_export_job",
    "compare_exports.py": "compare_exports_job",
}


def job_definitions(settings: PipelineSettings, release: str) -> dict[str, dict[str, Any]]:
    """The CreateJob request of each job, without its name, by that name."""
    code = f"s3://{settings.storage.bucket}/artifacts/{release}"
    return {
        getattr(settings.glue, name): _definition(settings, f"{code}/glue/{script}", f"{code}/glue.zip")
        for script, name in SCRIPTS.items()
    }


def _definition(settings: PipelineSettings, script_uri: str, modules_uri: str) -> dict[str, Any]:
    glue = settings.glue
    return {
        "Role": settings.aws.glue_role_arn,
        "Command": {"Name": "glueetl", "ScriptLocation": script_uri, "PythonVersion": "3"},
        "DefaultArguments": {
            "--extra-py-files": modules_uri,
            "--job-bookmark-option": "job-bookmark-disable",
            "--enable-metrics": "true",
        },
        "ExecutionProperty": {"MaxConcurrentRuns": glue.max_concurrent_runs},
        "GlueVersion": "5.1",
        "WorkerType": glue.worker_type,
        "NumberOfWorkers": glue.number_of_workers,
        "Timeout": glue.timeout_minutes,
        "MaxRetries": 0,  # the orchestrator retries; with retries in Glue, too, a job would run twice
    }


def put_jobs(glue: Any, definitions: dict[str, dict[str, Any]]) -> None:
    """Creates each job, or updates it if it exists."""
    for name, definition in definitions.items():
        try:
            glue.get_job(JobName=name)
        except glue.exceptions.EntityNotFoundException:
            glue.create_job(Name=name, **definition)
        else:
            glue.update_job(JobName=name, JobUpdate=definition)
