"""The cause of a failed step in one sentence, the same for both orchestrators.

Airflow has an exception; Step Functions has an error and a cause, which for a job is the JSON of its description. For a
step with a job, the sentence comes from AWS's description of the job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from complaints.aws import job_logs
from complaints.aws.job_kinds import GLUE, TUNING, kind_of

TIMED_OUT = "the step took longer than its timeout"

_LONGEST = 2_000
_TIMEOUTS = ("States.Timeout", "AirflowTaskTimeout", "TaskDeferralTimeout", "AirflowSensorTimeout")
# The reasons (SageMaker's FailureReason, Glue's ErrorMessage) that another attempt may not meet.
_SHORT_OF_MACHINES = re.compile(r"^(?:CapacityError|InternalServerError)|Resource unavailable|[Ii]nsufficient capacity")
_REFUSED_FOR_GOOD = re.compile(
    r"AccessDenied|Unauthorized|^KMS|Validation|EntityNotFound|ResourceNotFound|InvalidInput"
)
# The exception of Airflow for a final failure; its message is a sentence of ours.
_FINAL = "AirflowFailException"
_API_ERROR = re.compile(
    r"An error occurred \(([\w.]+)\) when calling the \w+ operation(?: \([^)]*\))?: (.*)", re.DOTALL
)
# Step Functions appends this to the message of an API error.
_REQUEST_ID = re.compile(r"\s*\(Service: .*\)$", re.DOTALL)


def cause_of(exception: object, job: Mapping[str, Any] | None = None, logs: Any = None) -> str:
    """The sentence for an exception and, where the step had one, the description of its job.

    `exception` may have an `error` and a `cause`, as Step Functions names them. `logs` is a client of CloudWatch Logs,
    for jobs that ended without a reason. The sentence has at most 2,000 characters. It quotes AWS, our own errors and
    our own jobs, which name complaints by file and line and never quote their text.
    """
    error = str(getattr(exception, "error", type(exception).__name__))
    cause = str(getattr(exception, "cause", exception))
    if error in _TIMEOUTS or (error, cause) == (_FINAL, TIMED_OUT):
        return TIMED_OUT
    described = _described(cause)
    if "errorMessage" in described:  # an exception that a Lambda function raised, as its runtime reports it
        error, cause = str(described.get("errorType", error)), str(described["errorMessage"])
    if refused := _API_ERROR.search(cause):
        return _short(f"{refused[1]}: {refused[2]}")
    kind = "" if error == _FINAL else f"{error.rpartition('.')[2]}: "
    sentence = f"{kind}{_REQUEST_ID.sub('', cause) or 'no more is known'}"
    return _short(of_job(described, logs) or of_job(job or {}, logs) or sentence)


def of_job(described: Mapping[str, Any], logs: Any = None) -> str:
    """A sentence about a job that ended badly; empty where it did not, or where the mapping describes no job.

    `described`: GetJobRun's `JobRun`, or the answer of Describe…Job. Where AWS gives no reason, as for a stopped job,
    the last line of its log shows how far it got.
    """
    kind = kind_of(described)
    if kind is None or described.get(kind.status_member) not in kind.failed:
        return ""
    reason = described.get(kind.reason_member) or _last_words(described, logs)
    if kind is TUNING and described.get(kind.reason_member):
        # SageMaker only says that its training jobs failed. They tend to fail for the same reason, so one is enough.
        reason = "; ".join(filter(None, (reason, _last_words(described, logs))))
    job = f"the {kind.title} {described['JobName']}" if kind is GLUE else f"the {kind.title}"
    return f"{job} ended as {described[kind.status_member]}" + (f": {reason}" if reason else "")


def _last_words(described: Mapping[str, Any], logs: Any) -> str:
    line = job_logs.last_line(described, logs) if logs is not None else ""
    return f"its log ends with {line!r}" if line else ""


def is_transient(described: Mapping[str, Any]) -> bool:
    """True if a job ended because AWS had too few machines, so that another attempt may succeed."""
    reason = described.get("FailureReason") or described.get("ErrorMessage") or ""
    return bool(_SHORT_OF_MACHINES.search(str(reason)))


def is_refused_for_good(exception: object) -> bool:
    """True if AWS refused a request for a reason that a retry does not change."""
    response = getattr(exception, "response", None) or {}
    return bool(_REFUSED_FOR_GOOD.search(str(response.get("Error", {}).get("Code", ""))))


def _described(cause: str) -> Mapping[str, Any]:
    try:
        document = json.loads(cause)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _short(sentence: str) -> str:
    line = " ".join(sentence.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 2]} …"
