"""The job behind each task, as AWS describes it: its duration and its last log line."""

from __future__ import annotations

from typing import Any

from complaints.aws import job_logs, jobs
from complaints.aws.job_kinds import GLUE, PROCESSING, TRAINING, TRANSFORM
from complaints.settings import PipelineSettings
from laptop.servers.aws import Aws


class AwsJobs:
    """The newest job behind each task, by the task's id."""

    def __init__(self, aws: Aws, settings: PipelineSettings) -> None:
        self._clients = {name: aws.client(name) for name in ("glue", "sagemaker")}
        self._logs = aws.client("logs")
        self._kinds = {
            "prepare_history": (GLUE, settings.glue.prepare_history_job),
            "prepare_complaints": (GLUE, settings.glue.prepare_complaints_job),
            "audit_results": (GLUE, settings.glue.audit_results_job),
            "train_model": (TRAINING, "complaints-train-"),
            "evaluate_model": (PROCESSING, "complaints-evaluate-"),
            "refit_model": (TRAINING, "complaints-refit-"),
            "assess_classification": (PROCESSING, "complaints-monitor-"),
            "classify_complaints": (TRANSFORM, ""),
        }

    def seconds(self, task_id: str) -> float | None:
        """The duration of the task's newest job in seconds; None for a task without a job."""
        job = self._job(task_id)
        start = job.get("StartedOn") or job.get("CreationTime")
        return _seconds(start, job.get("CompletedOn") or _ended(job))

    def last_log_line(self, task_id: str) -> str:
        """The newest line that the task's job wrote; empty where there is none yet."""
        return job_logs.last_line(self._job(task_id), self._logs)

    def _job(self, task_id: str) -> dict[str, Any]:
        if task_id not in self._kinds:
            return {}
        kind, job_name = self._kinds[task_id]
        return jobs.latest(self._clients[kind.service], kind, job_name)


def _ended(job: dict[str, Any]) -> Any:
    return next((job[name] for name in job if name.endswith("EndTime")), None)


def _seconds(start: Any, end: Any) -> float | None:
    return round((end - start).total_seconds(), 1) if start and end else None
