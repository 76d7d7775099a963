"""Tells people that a run failed: one SNS message with the flow, the run, the step, the cause, and where to read on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from complaints.aws import failures
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)

# An alarm that gets lost is worse than one that comes late.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 6})
_GREATEST_SUBJECT = 100  # characters, says Publish


@dataclass(frozen=True)
class Failure:
    """What a person must know of a run that failed."""

    flow: str
    run_id: str
    step: str
    cause: str
    log_url: str
    runbook_url: str

    @property
    def subject(self) -> str:
        """The message's first line, for a mail or a chat."""
        return f"{self.flow} failed at {self.step}"[:_GREATEST_SUBJECT]

    @property
    def message(self) -> str:
        """The message's text."""
        return "\n".join(
            [
                f"{self.flow} failed at {self.step}.",
                "",
                f"Cause: {self.cause}",
                f"Run: {self.run_id}",
                f"Log: {self.log_url}",
                f"Runbook: {self.runbook_url}",
            ]
        )


def on_failure(context: Mapping[str, Any]) -> None:
    """The `on_failure_callback` of every task: publishes one message about it.

    `context` is Airflow's, or as much of it as an execution of the state machine knows (`dag`, `ti`, `task`, `run_id`,
    `exception`); in both a task calls this once, after its last try.

    Raises:
        ClientError: SNS took the message not even at the sixth attempt.
    """
    settings = load_settings()
    failure = failure_of(context, settings)
    sns = _client("sns", settings)
    told = {"flow": failure.flow, "step": failure.step}
    sns.publish(
        TopicArn=settings.pipeline.aws.alerts_topic_arn,
        Subject=failure.subject,
        Message=failure.message,
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in told.items()},
    )
    log.info("told %s of: %s", settings.pipeline.aws.alerts_topic_arn, failure.subject)


def on_run_timeout(context: Mapping[str, Any]) -> None:
    """The `on_failure_callback` of each DAG: tells of a run that took too long, which no task fails of.

    All other failures are told by the task that failed. A state machine that takes too long ends where no state could
    call this; there EventBridge calls `on_failure`.
    """
    if context.get("reason") != "timed_out":
        return
    known = {name: context[name] for name in ("dag", "run_id") if name in context}
    on_failure({**known, "exception": TimeoutError("the run took longer than max_run_hours allows")})


def failure_of(context: Mapping[str, Any], settings: Settings) -> Failure:
    """The failure that an Airflow context is about; its job is looked up, its cause put into a sentence."""
    flow, instance = context["dag"].dag_id, context.get("ti")
    return Failure(
        flow=flow,
        run_id=str(context["run_id"]),
        step=instance.task_id if instance is not None else "an unknown step",
        cause=failures.cause_of(
            context.get("exception") or "unknown", _job(context.get("task"), settings), _client("logs", settings)
        ),
        log_url=instance.log_url if instance is not None else "",
        runbook_url=_runbook_url(flow, settings),
    )


def _job(task: Any, settings: Settings) -> Mapping[str, Any] | None:
    try:
        return failures.job_of(task, _client("glue", settings), _client("sagemaker", settings))
    except Exception:
        # Whatever keeps us from finding the job, the message goes out with what is known.
        log.exception("the job of %s could not be described", getattr(task, "task_id", task))
        return None


def _runbook_url(flow: str, settings: Settings) -> str:
    """The page that deploy put beside the release, in the console."""
    region, bucket = settings.pipeline.aws.region, settings.pipeline.storage.bucket
    return f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix=runbooks/{flow}.md"


def _client(service: str, settings: Settings) -> Any:
    return boto3.client(service, region_name=settings.pipeline.aws.region, config=_PATIENT)
