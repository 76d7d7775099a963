"""The end of a job's log in CloudWatch Logs, which operators copy into their task's log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from complaints.aws.job_kinds import GLUE, JobKind, kind_of

LAST_LINES = 200
_LONGEST_LINE = 2_000
# A SageMaker job has a stream for each machine, and a transform a second one for the data that it sent.
_STREAMS = 4
# GetLogEvents may return an empty page although there are more events.
_PAGES = 10
_GLUE_GROUP = "/aws-glue/jobs"


def last_lines(described: Mapping[str, Any], logs: Any, last: int = LAST_LINES) -> Iterator[str]:
    """The last lines of each log stream of a job, below a line with the stream's name; nothing without a job.

    `described`: GetJobRun's `JobRun`, or the answer of Describe…Job. `logs`: a client of CloudWatch Logs. A log that is
    missing or unreadable gives one line that says so; it fails no step.
    """
    kind = kind_of(described)
    for group in _groups(kind, described):
        prefix = _stream_prefix(kind, described)
        try:
            streams = _streams(logs, group, kind, prefix)
            if not streams:
                yield f"log group {group} has no stream {prefix}*: the job wrote nothing, or it has not arrived yet"
            for stream in streams:
                lines = _read_backwards(logs, group, stream, last)
                yield f"log group {group}, stream {stream}: the last {len(lines)} lines that have arrived"
                yield from lines
        except (ClientError, BotoCoreError) as error:
            yield f"log group {group}, stream {prefix}: cannot be read: {error}"


def last_line(described: Mapping[str, Any], logs: Any) -> str:
    """The last line with text in the first readable log of a job; empty where there is none."""
    kind = kind_of(described)
    for group in _groups(kind, described):
        try:
            for stream in _streams(logs, group, kind, _stream_prefix(kind, described)):
                lines = [line.strip() for line in _read_backwards(logs, group, stream, 5) if line.strip()]
                if lines:
                    return lines[-1]
        except (ClientError, BotoCoreError):
            continue
    return ""


def _groups(kind: JobKind | None, described: Mapping[str, Any]) -> list[str]:
    if kind is None or not _stream_prefix(kind, described):
        return []
    # A Glue job may log to groups of its own.
    own = str(described.get("LogGroupName") or _GLUE_GROUP)
    return [group.replace(_GLUE_GROUP, own, 1) for group in kind.log_groups]


def _stream_prefix(kind: JobKind | None, described: Mapping[str, Any]) -> str:
    # A state machine keeps the id of a Glue run as the step's result.
    name = (described.get(kind.id_member) or described.get("return_value")) if kind else None
    return kind.log_stream.format(name) if kind and name else ""


def _streams(logs: Any, group: str, kind: JobKind | None, prefix: str) -> list[str]:
    """The streams of a job; of a Glue run only the driver's, which has one of two names."""
    if kind is not GLUE:
        return _named(logs, group, prefix, _STREAMS)
    return next((found for name in (prefix, f"{prefix}-driver") if (found := _exactly(logs, group, name))), [])


def _exactly(logs: Any, group: str, name: str) -> list[str]:
    # The shortest name is the first in the listing, before those of the executors.
    return [found for found in _named(logs, group, name, 1) if found == name]


def _named(logs: Any, group: str, prefix: str, most: int) -> list[str]:
    found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix, limit=most)
    return [each["logStreamName"] for each in found["logStreams"]]


def _read_backwards(logs: Any, group: str, stream: str, last: int) -> list[str]:
    """The last lines of a stream, from its end, since a log has no bound on its length."""
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
