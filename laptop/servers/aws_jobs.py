"""The AWS jobs behind the tasks: how long they ran, their last log line, and why they failed."""

from __future__ import annotations

from typing import Any

from complaints.settings import PipelineSettings
from laptop.servers.aws import Aws


class AwsJobs:
    """The newest job behind each task, by the task's id."""

    def __init__(self, aws: Aws, settings: PipelineSettings) -> None:
        self._glue = aws.client("glue")
        self._sagemaker = aws.client("sagemaker")
        self._logs = aws.client("logs")
        self._glue_jobs = {
            "prepare_history": settings.glue.prepare_history_job,
            "prepare_complaints": settings.glue.prepare_complaints_job,
            "audit_results": settings.glue.audit_results_job,
        }
        self._sagemaker_kinds = {
            "train_model": "Training",
            "evaluate_model": "Processing",
            "classify_complaints": "Transform",
        }

    def seconds(self, task_id: str) -> float | None:
        """The duration of the task's newest job; None for a task without a job."""
        if task_id in self._glue_jobs:
            times = self._glue_run(task_id)
            return _seconds(times.get("StartedOn"), times.get("CompletedOn"))
        if task_id in self._sagemaker_kinds:
            times = self._sagemaker_job(task_id)
            return _seconds(times.get("CreationTime"), _ended(times))
        return None

    def failure(self, task_id: str) -> str:
        """The failure reason of the task's newest job, as AWS reports it; empty without a failed job."""
        if task_id in self._glue_jobs:
            return str(self._glue_run(task_id).get("ErrorMessage", ""))
        if task_id in self._sagemaker_kinds and (job := self._sagemaker_job(task_id)):
            kind = self._sagemaker_kinds[task_id]
            describe = getattr(self._sagemaker, f"describe_{kind.lower()}_job")
            return str(describe(**{f"{kind}JobName": job[f"{kind}JobName"]}).get("FailureReason", ""))
        return ""

    def last_log_line(self, task_id: str) -> str:
        """The newest log line of the task's job; empty if there is none yet."""
        if task_id in self._glue_jobs:
            streams = [("/aws-glue/jobs/output", self._glue_run(task_id).get("Id"))]
            streams.append(("/aws-glue/jobs/error", streams[0][1]))
        elif task_id in self._sagemaker_kinds:
            kind = self._sagemaker_kinds[task_id]
            streams = [(f"/aws/sagemaker/{kind}Jobs", self._sagemaker_job(task_id).get(f"{kind}JobName"))]
        else:
            return ""
        return next((line for group, prefix in streams if prefix and (line := self._last_line(group, prefix))), "")

    def _glue_run(self, task_id: str) -> dict[str, Any]:
        runs = self._glue.get_job_runs(JobName=self._glue_jobs[task_id], MaxResults=1)["JobRuns"]
        return runs[0] if runs else {}

    def _sagemaker_job(self, task_id: str) -> dict[str, Any]:
        kind = self._sagemaker_kinds[task_id]
        listing = getattr(self._sagemaker, f"list_{kind.lower()}_jobs")
        jobs = listing(SortBy="CreationTime", SortOrder="Descending", MaxResults=1)[f"{kind}JobSummaries"]
        return jobs[0] if jobs else {}

    def _last_line(self, group: str, prefix: str) -> str:
        streams = self._logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        if not streams:
            return ""
        events = self._logs.get_log_events(
            logGroupName=group, logStreamName=streams[-1]["logStreamName"], startFromHead=False, limit=5
        )["events"]
        lines = [event["message"].strip() for event in events if event["message"].strip()]
        return lines[-1] if lines else ""


def _ended(job: dict[str, Any]) -> Any:
    return next((job[name] for name in job if name.endswith("EndTime")), None)


def _seconds(start: Any, end: Any) -> float | None:
    return round((end - start).total_seconds(), 1) if start and end else None
