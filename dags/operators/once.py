"""The idempotence of the operators: each looks for its job first, and asks AWS alone how the job ended.

Amazon's operators start a second job when their task is cleared or retried, or when its worker dies. Some report a
stopped job as a success (airflow #59075, #71490, #67291). And the errors of their triggers hide the job's own reason.
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
from complaints.aws.job_kinds import JobKind
from complaints.aws.jobs import Job, result_of
from operators.airflow_exceptions import AirflowFailException, TaskDeferralError, TaskDeferralTimeout

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator

    _Operator = AwsBaseOperator[Any]
else:
    _Operator = object

log = logging.getLogger(__name__)


class RunsOnce(_Operator):
    """A mixin in front of one of Amazon's operators: `class GlueJobOperator(RunsOnce, glue.GlueJobOperator)`.

    It waits for the step's job if that is running, takes its result if it is done, and lets the operator start a job
    only if there is none and something to do. A job that ran and failed is not retried, unless AWS reports that it had
    too few machines.
    """

    kind: JobKind
    output_uri: str
    deferrable: bool

    @abstractmethod
    def find(self) -> Job:
        """The state of the step's job."""

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
        """Seconds between two questions about a running job."""

    def start(self, job: Job, context: Context) -> None:  # noqa: ARG002
        """Starts the job as Amazon's operator does; `job` is what `find` returned."""
        super().execute(context)

    def has_objects(self, uri: str) -> bool:
        """True if a job has written data at or below an `s3://` URI."""
        hook = S3Hook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
        return Bucket(hook.conn, uri.split("/", 3)[2]).has_objects(uri)

    def execute(self, context: Context) -> Any:
        """Finds the job or starts it, and waits for its end."""
        job = self.find()
        if job.state != "absent":
            log.info("no job is started: %s is %s; it writes %s", job.name or "the step", job.state, self.output_uri)
            return self._outcome()
        log.info("a job is started, which writes %s", self.output_uri)
        try:
            self.start(job, context)
        except Exception as error:
            # The start may be refused, its answer may be lost, or the job may fail: only AWS knows which.
            return self._outcome(error, before=job)
        return self._outcome()

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Asks AWS how the job ended; the trigger's event only resumes the task."""
        return self._outcome()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resumes the task after its trigger fired or failed; a failed trigger says nothing about the job."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout as error:
            job = self.find()
            if job.state == "running":
                self.stop(job)
            raise AirflowFailException(failures.TIMED_OUT) from error
        except TaskDeferralError as error:
            return self._outcome(error)

    def _outcome(self, error: Exception | None = None, before: Job | None = None) -> Any:
        """The step's result once the job is done; the end of the job's log goes into the task's log, however it ended.

        `error` is the exception of a failed start, and `before` the state of the job at that time.

        Raises:
            AirflowFailException: the job ended badly, or AWS refuses to start it, and would each time.
            Exception: `error`, if it started no job: a retry may. So may a retry if AWS knows no job any more, for
                example after a restart of local AWS.
        """
        job = self.find()
        if job.state == "running" and self.deferrable:
            self.wait(job)
        while job.state == "running":
            time.sleep(self.pause)
            job = self.find()
        if job.state != "done" and error is not None and before is not None and job.described == before.described:
            if failures.is_refused_for_good(error):
                raise AirflowFailException(failures.cause_of(error)) from error
            raise error
        logs = AwsLogsHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name).conn
        for line in job_logs.last_lines(job.described, logs):
            log.info("%s", line)
        if job.state == "done":
            return result_of(self.kind, job)
        if not job.described:
            raise RuntimeError(f"AWS knows no job that writes to {self.output_uri}: the next try starts it") from error
        reason = failures.of_job(job.described, logs)
        if not reason:
            raise AirflowFailException(f"the job ended without an object at {self.output_uri}") from error
        kind = RuntimeError if failures.is_transient(job.described) else AirflowFailException
        # Not from `error`: the operator's or its trigger's exception is about the same end of the job, in other words.
        raise kind(reason) from None
