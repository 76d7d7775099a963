"""Why a step failed, in one sentence, whoever ran it.

Airflow knows an exception, and Step Functions an error and a cause, which for a job is the JSON of its description.
Where there was a job, the sentence is made of what AWS says of it, so that both orchestrators tell the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_LONGEST = 500
_TIMEOUTS = ("States.Timeout", "AirflowTaskTimeout", "TaskDeferralTimeout", "AirflowSensorTimeout")
_JOBS = ("Training", "Processing", "Transform")
_BAD_ENDS = {"STOPPED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED", "Stopped", "Failed"}
_API_ERROR = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \([^)]*\))?: (.*)", re.DOTALL)
# What Step Functions writes behind the message of an API's error.
_REQUEST_ID = re.compile(r"\s*\(Service: .*\)$", re.DOTALL)


def cause_of(exception: object, job: Mapping[str, Any] | None = None) -> str:
    """The sentence for an exception, and the description of the job behind the step where there was one.

    `exception` may have an `error` and a `cause`, as Step Functions names them. What is told are the words of AWS and
    of our own errors, up to 500 characters; both know complaints by file and line, never by their text.
    """
    error = str(getattr(exception, "error", type(exception).__name__))
    cause = str(getattr(exception, "cause", exception))
    if error in _TIMEOUTS:
        return "the step took longer than its timeout"
    described = _described(cause)
    if "errorMessage" in described:  # what a Lambda function raised, as the runtime tells it
        error, cause = str(described.get("errorType", error)), str(described["errorMessage"])
    if refused := _API_ERROR.search(cause):
        return _short(f"{refused[1]}: {refused[2]}")
    told = f"{error.rpartition('.')[2]}: {_REQUEST_ID.sub('', cause) or 'no more is known'}"
    return _short(of_job(described) or of_job(job or {}) or told)


def of_job(described: Mapping[str, Any]) -> str:
    """How a job ended, by GetJobRun's `JobRun` or a Describe…Job; empty where it did not end badly, or is none."""
    if described.get("JobRunState") in _BAD_ENDS:
        return _ended(f"the Glue job {described['JobName']}", described["JobRunState"], described.get("ErrorMessage"))
    for kind in _JOBS:
        if described.get(f"{kind}JobStatus") in _BAD_ENDS:
            status, reason = described[f"{kind}JobStatus"], described.get("FailureReason")
            return _ended(f"the SageMaker {kind.lower()} job", status, reason)
    return ""


def job_of(task: Any, glue: Any, sagemaker: Any) -> Mapping[str, Any] | None:
    """The newest job that an Airflow operator started for this run: of the same arguments, or of the planned name."""
    if name := getattr(task, "job_name", None):
        wanted = dict(task.script_args or {}).items()
        runs = glue.get_job_runs(JobName=name, MaxResults=200)["JobRuns"]
        found: Mapping[str, Any] | None = next(
            (run for run in runs if wanted <= run.get("Arguments", {}).items()), None
        )
        return found
    config = getattr(task, "config", None) or {}
    for kind in _JOBS:
        if planned := config.get(f"{kind}JobName"):
            listing = getattr(sagemaker, f"list_{kind.lower()}_jobs")
            jobs = listing(NameContains=planned, SortBy="CreationTime", SortOrder="Descending", MaxResults=1)
            for job in jobs[f"{kind}JobSummaries"]:
                described = getattr(sagemaker, f"describe_{kind.lower()}_job")
                newest: Mapping[str, Any] = described(**{f"{kind}JobName": job[f"{kind}JobName"]})
                return newest
    return None


def _described(cause: str) -> Mapping[str, Any]:
    try:
        document = json.loads(cause)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _ended(job: str, state: str, reason: object) -> str:
    return f"{job} ended as {state}" + (f": {reason}" if reason else "")


def _short(sentence: str) -> str:
    line = " ".join(sentence.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 2]} …"
