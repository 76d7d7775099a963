"""What makes an operator idempotent: it looks for its job first, and believes AWS alone about how the job ended.

Amazon's operators start a second job when their task is cleared, retried, or loses its worker; some take a job that was
stopped for a success (airflow #59075, #71490, #67291); and what their triggers raise hides the job's own reason.
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.logs import AwsLogsHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import Context

from complaints.aws import failures, job_logs
from complaints.aws.bucket import Bucket
from complaints.aws.jobs import Job, result_of

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator

    _Operator = AwsBaseOperator[Any]
else:
    _Operator = object

log = logging.getLogger(__name__)


class RunsOnce(_Operator):
    """In front of one of Amazon's operators: `class GlueJobOperator(RunsOnce, glue.GlueJobOperator)`.

    A step's job that runs already is waited for, one that is done is taken as it is, and only else the operator starts
    one. A job that ran and failed is not tried again by itself, unless AWS says that it was short of machines.
    """

    kind: str
    output_uri: str
    deferrable: bool

    @abstractmethod
    def find(self) -> Job:
        """What there is of the job."""

    @abstractmethod
    def looks_first(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The function that finds the job for a state machine, and its arguments, which may be references."""

    @abstractmethod
    def wait(self, job: Job) -> None:
        """Defers until the job has ended."""

    @abstractmethod
    def stop(self, job: Job) -> None:
        """Asks AWS to end the job."""

    @property
    @abstractmethod
    def pause(self) -> float:
        """Seconds between two questions about a job that runs."""

    def begin_as(self, job: Job) -> None:
        """Takes over the name that the job has to be created by, where it needs one."""

    def has_objects(self, uri: str) -> bool:
        """Whether anything lies at or below an `s3://` URI."""
        hook = S3Hook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
        return Bucket(hook.conn, uri.split("/", 3)[2]).has_objects(uri)

    def execute(self, context: Context) -> Any:
        """Finds the job, or starts it as Amazon's operator does, and waits for its end."""
        job = self.find()
        if job.state != "absent":
            log.info("not started again: the job %s is %s", job.name or "of an earlier run", job.state)
            return self._outcome()
        self.begin_as(job)
        try:
            super().execute(context)
        except Exception as error:
            # Whatever it says (a start refused, its answer lost, the job failed): what counts is what there is.
            return self._outcome(error, before=job)
        return self._outcome()

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:  # noqa: ARG002
        """The trigger only wakes the task: what became of the job, AWS says."""
        return self._outcome()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resumes after the trigger fired, or failed: then the job may have failed, or only the trigger."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except Exception as error:
            # By name: the classes moved in Airflow 3.1, and their old place warns whoever imports them.
            if type(error).__name__ == "TaskDeferralTimeout":
                job = self.find()
                if job.state == "running":
                    self.stop(job)
                raise _final(failures.TIMED_OUT) from error
            if type(error).__name__ != "TaskDeferralError":
                raise
            return self._outcome(error)

    def _outcome(self, error: Exception | None = None, before: Job | None = None) -> Any:
        """What the job left, once it is done; `before` is what there was when a start ended with `error`.

        The end of the job's own log goes into the task's, whichever way the job ended.

        Raises:
            AirflowFailException: the job ended badly, or AWS will not start it however often it is asked.
            Exception: `error`, where no job came of it: the start may succeed when it is tried again. So may a job that
                AWS has forgotten, as one on a laptop does between two starts.
        """
        job = self.find()
        if job.state == "running" and self.deferrable:
            self.wait(job)
        while job.state == "running":
            time.sleep(self.pause)
            job = self.find()
        if job.state != "done" and error is not None and before is not None and job.described == before.described:
            if failures.is_refused_for_good(error):
                raise _final(failures.cause_of(error)) from error
            raise error
        logs = AwsLogsHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name).conn
        for line in job_logs.told(job.described, logs):
            log.info("%s", line)
        if job.state == "done":
            return result_of(self.kind, job)
        if not job.described:
            raise RuntimeError(f"AWS knows no job that writes to {self.output_uri}: the next try starts it") from error
        told = failures.of_job(job.described, logs) or f"the job ended, but nothing lies at {self.output_uri}"
        if failures.is_transient(job.described):
            raise RuntimeError(told) from error
        raise _final(told) from error


def _final(message: str) -> Exception:
    """The exception that fails a task for good: it is not tried again."""
    # Not above: at this place, the only one that Airflow 3.0 has it in, later versions warn whoever imports it.
    from airflow.exceptions import AirflowFailException  # noqa: PLC0415

    failure: Exception = AirflowFailException(message)
    return failure
