"""What a job wrote to CloudWatch Logs, for the log of the task that waited for it, where a person looks first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

LAST_LINES = 200
_LONGEST_LINE = 2_000
# One a machine; ours are single ones. A transform has a second one, of the data that it sent.
_STREAMS = 4
# GetLogEvents may answer with an empty page although there is more.
_PAGES = 10
_JOBS = ("Training", "Processing", "Transform")


def told(described: Mapping[str, Any], logs: Any, last: int = LAST_LINES) -> Iterator[str]:
    """The last lines of each log stream of a job, each stream's below its name; nothing where there was no job.

    `described`: GetJobRun's `JobRun`, or a Describe…Job. `logs`: a client of CloudWatch Logs. A log that is missing or
    must not be read is one line that says so: no step fails for it.
    """
    for group, stream, whole_name in _places(described):
        try:
            names = [stream] if whole_name else _streams(logs, group, stream)
            if not names:
                yield f"log group {group} has no stream {stream}*: the job wrote nothing, or its log is yet to arrive"
            for name in names:
                lines = _last_lines(logs, group, name, last)
                yield f"log group {group}, stream {name}: the last {len(lines)} lines that have arrived"
                yield from lines
        except (ClientError, BotoCoreError) as error:
            yield f"log group {group}, stream {stream}: cannot be read: {error}"


def _places(described: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Log group and stream of a job, and whether that is the stream's whole name or its beginning."""
    if "JobRunState" in described:
        prefix = described.get("LogGroupName") or "/aws-glue/jobs"
        # What the driver prints, and what it and Spark log; executors have streams of their own.
        for group in ("output", "error"):
            yield f"{prefix}/{group}", str(described["Id"]), True
    for kind in _JOBS:
        if name := described.get(f"{kind}JobName"):
            yield f"/aws/sagemaker/{kind}Jobs", f"{name}/", False


def _streams(logs: Any, group: str, prefix: str) -> list[str]:
    found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix, limit=_STREAMS)
    return [each["logStreamName"] for each in found["logStreams"]]


def _last_lines(logs: Any, group: str, stream: str, last: int) -> list[str]:
    """Read backwards, since a job's log may be as long as it likes."""
    lines: list[str] = []
    asked: dict[str, Any] = {}
    for _ in range(_PAGES):
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=False, limit=last, **asked)
        text = [line[:_LONGEST_LINE] for each in page["events"] for line in each["message"].rstrip().split("\n")]
        lines = text + lines
        token = page.get("nextBackwardToken")
        if len(lines) >= last or not token or token == asked.get("nextToken"):
            break
        asked = {"nextToken": token}
    return lines[-last:]
