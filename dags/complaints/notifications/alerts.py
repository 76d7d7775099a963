"""The message about a failed run: one SNS message with the flow, the run, the step, the cause and up to two links.

A link leads to the Airflow that ran the task, or into AWS's console; without a page to lead to, it is left out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from complaints.aws import console, failures, jobs
from complaints.aws.clients import client
from complaints.settings import Settings, load_settings

log = logging.getLogger(__name__)

# A late message is better than a lost one.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 6})
_LONGEST_SUBJECT = 100  # characters; the limit of Publish


@dataclass(frozen=True)
class Failure:
    """A failed run, as the message describes it."""

    flow: str
    run_id: str
    step: str
    cause: str
    log_url: str
    runbook_url: str

    @property
    def subject(self) -> str:
        """The subject line of the message."""
        return f"{self.flow} failed at {self.step}"[:_LONGEST_SUBJECT]

    @property
    def message(self) -> str:
        """The text of the message."""
        links = {"Log": self.log_url, "Runbook": self.runbook_url}
        return "\n".join(
            [
                f"{self.flow} failed at {self.step}.",
                "",
                f"Cause: {self.cause}",
                f"Run: {self.run_id}",
                *(f"{name}: {url}" for name, url in links.items() if url),
            ]
        )


def on_failure(context: Mapping[str, Any]) -> None:
    """The `on_failure_callback` of every task: publishes one message, after the last try of the task.

    `context` is Airflow's, or the part of it that an execution of the state machine knows: `dag`, `ti`, `task`,
    `run_id` and `exception`.

    Raises:
        ClientError: SNS refused the message six times.
    """
    settings = load_settings()
    failure = failure_of(context, settings)
    publish(settings, failure.subject, failure.message, {"flow": failure.flow, "step": failure.step})


def publish(settings: Settings, subject: str, message: str, attributes: Mapping[str, str]) -> None:
    """Publishes one message to the topic of the alerts.

    Raises:
        ClientError: SNS refused the message six times.
    """
    _client("sns", settings).publish(
        TopicArn=settings.pipeline.aws.alerts_topic_arn,
        Subject=subject,
        Message=message,
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )
    log.info("published to %s: %s", settings.pipeline.aws.alerts_topic_arn, subject)


def on_run_timeout(context: Mapping[str, Any]) -> None:
    """The `on_failure_callback` of each DAG: publishes a message if the whole run timed out, since no task fails then.

    Every other failure is published by the task that failed. When the execution of a state machine times out, no state
    can call anything; there, an EventBridge rule calls `on_failure`.
    """
    if context.get("reason") != "timed_out":
        return
    known = {name: context[name] for name in ("dag", "run_id") if name in context}
    on_failure({**known, "exception": TimeoutError("the run took longer than max_run_hours allows")})


def failure_of(context: Mapping[str, Any], settings: Settings) -> Failure:
    """The failure in an Airflow context; its cause comes from the job behind the task, if there is one."""
    flow, instance = context["dag"].dag_id, context.get("ti")
    return Failure(
        flow=flow,
        run_id=str(context["run_id"]),
        step=instance.task_id if instance is not None else "an unknown step",
        cause=failures.cause_of(
            context.get("exception") or "unknown", _job(context.get("task"), settings), _client("logs", settings)
        ),
        log_url=instance.log_url if instance is not None else "",
        runbook_url=console.object_url(
            _client("s3", settings), settings.pipeline.storage.bucket, f"runbooks/{flow}.md"
        ),
    )


def _job(task: Any, settings: Settings) -> Mapping[str, Any] | None:
    try:
        return jobs.job_behind(task, _client("glue", settings), _client("sagemaker", settings))
    except Exception:
        # The message goes out without the job.
        log.exception("cannot describe the job of %s", getattr(task, "task_id", task))
        return None


def _client(service: str, settings: Settings) -> Any:
    return client(service, settings, config=_PATIENT)
