"""Why a step failed, in one sentence, whoever ran it.

Airflow knows an exception, and Step Functions an error and a cause, which for a job is the JSON of its description.
Where there was a job, the sentence is made of what AWS says of it, so that both orchestrators tell the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

TIMED_OUT = "the step took longer than its timeout"

_LONGEST = 500
_TIMEOUTS = ("States.Timeout", "AirflowTaskTimeout", "TaskDeferralTimeout", "AirflowSensorTimeout")
_JOBS = ("Training", "Processing", "Transform")
_BAD_ENDS = {"STOPPED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED", "Stopped", "Failed"}
# What a job ends with that another machine may not end with (SageMaker's FailureReason, Glue's ErrorMessage).
_SHORT_OF_MACHINES = re.compile(r"^(?:CapacityError|InternalServerError)|Resource unavailable|[Ii]nsufficient capacity")
_REFUSED_FOR_GOOD = re.compile(
    r"AccessDenied|Unauthorized|^KMS|Validation|EntityNotFound|ResourceNotFound|InvalidInput"
)
# Airflow's word for a failure that is final: the sentence behind it is ours.
_FINAL = "AirflowFailException"
_API_ERROR = re.compile(
    r"An error occurred \(([\w.]+)\) when calling the \w+ operation(?: \([^)]*\))?: (.*)", re.DOTALL
)
# What Step Functions writes behind the message of an API's error.
_REQUEST_ID = re.compile(r"\s*\(Service: .*\)$", re.DOTALL)


def cause_of(exception: object, job: Mapping[str, Any] | None = None, logs: Any = None) -> str:
    """The sentence for an exception, and the description of the job behind the step where there was one.

    `exception` may have an `error` and a `cause`, as Step Functions names them; `logs` is a client of CloudWatch Logs,
    for jobs that ended without a reason. What is told are the words of AWS, of our own errors and of our own jobs, up
    to 500 characters; all of them know complaints by file and line, never by their text.
    """
    error = str(getattr(exception, "error", type(exception).__name__))
    cause = str(getattr(exception, "cause", exception))
    if error in _TIMEOUTS or (error, cause) == (_FINAL, TIMED_OUT):
        return TIMED_OUT
    described = _described(cause)
    if "errorMessage" in described:  # what a Lambda function raised, as the runtime tells it
        error, cause = str(described.get("errorType", error)), str(described["errorMessage"])
    if refused := _API_ERROR.search(cause):
        return _short(f"{refused[1]}: {refused[2]}")
    kind = "" if error == _FINAL else f"{error.rpartition('.')[2]}: "
    told = f"{kind}{_REQUEST_ID.sub('', cause) or 'no more is known'}"
    return _short(of_job(described, logs) or of_job(job or {}, logs) or told)


def of_job(described: Mapping[str, Any], logs: Any = None) -> str:
    """How a job ended, by GetJobRun's `JobRun` or a Describe…Job; empty where it did not end badly, or is none.

    Where AWS gives no reason, as of a job that was stopped, the end of its log tells how far it had come.
    """
    if described.get("JobRunState") in _BAD_ENDS:
        reason = described.get("ErrorMessage") or _last_words(logs, "/aws-glue/jobs/output", _run_id(described))
        return _ended(f"the Glue job {described['JobName']}", described["JobRunState"], reason)
    for kind in _JOBS:
        if described.get(f"{kind}JobStatus") in _BAD_ENDS:
            stream = f"{described.get(f'{kind}JobName', '')}/"
            reason = described.get("FailureReason") or _last_words(logs, f"/aws/sagemaker/{kind}Jobs", stream)
            return _ended(f"the SageMaker {kind.lower()} job", described[f"{kind}JobStatus"], reason)
    return ""


def _run_id(described: Mapping[str, Any]) -> str:
    # A state keeps it as its result.
    return str(described.get("Id") or described.get("return_value") or "")


def _last_words(logs: Any, group: str, stream: str) -> str:
    """The last line that a job printed, if there is any and we may read it."""
    if logs is None or stream in ("", "/"):
        return ""
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream, limit=1)["logStreams"]
        lines = [
            event["message"].strip()
            for found in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=found["logStreamName"], startFromHead=False, limit=5
            )["events"]
        ]
    except ClientError:
        return ""  # no log is no reason to tell nothing
    told = [line for line in lines if line]
    return f"its log ends with {told[-1]!r}" if told else ""


def is_transient(described: Mapping[str, Any]) -> bool:
    """Whether a job ended for want of machines, so that the next attempt may do better."""
    reason = described.get("FailureReason") or described.get("ErrorMessage") or ""
    return bool(_SHORT_OF_MACHINES.search(str(reason)))


def is_refused_for_good(exception: object) -> bool:
    """Whether AWS refused a request in a way that will be the same however often it is asked."""
    response = getattr(exception, "response", None) or {}
    return bool(_REFUSED_FOR_GOOD.search(str(response.get("Error", {}).get("Code", ""))))


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
