"""The Glue jobs that the DAGs start: one definition a script, made or brought up to date on each deploy."""

from __future__ import annotations

from typing import Any

from complaints.settings import PipelineSettings


def job_definitions(settings: PipelineSettings, release: str) -> dict[str, dict[str, Any]]:
    """CreateJob, less the name, of every job by its name."""
    glue = settings.glue
    scripts = {
        glue.prepare_history_job: "prepare_history.py",
        glue.prepare_complaints_job: "prepare_complaints.py",
        glue.audit_results_job: "audit_results.py",
    }
    code = f"s3://{settings.storage.bucket}/artifacts/{release}"
    return {
        name: _definition(settings, f"{code}/glue/{script}", f"{code}/glue.zip") for name, script in scripts.items()
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
        "MaxRetries": 0,  # the orchestrator retries; Glue doing so too would run a job twice
    }


def put_jobs(glue: Any, definitions: dict[str, dict[str, Any]]) -> None:
    """Creates each job, or updates it where it exists."""
    for name, definition in definitions.items():
        try:
            glue.get_job(JobName=name)
        except glue.exceptions.EntityNotFoundException:
            glue.create_job(Name=name, **definition)
        else:
            glue.update_job(JobName=name, JobUpdate=definition)
