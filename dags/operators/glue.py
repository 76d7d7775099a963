"""Amazon's GlueJobOperator, idempotent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.providers.amazon.aws.operators import glue
from airflow.providers.amazon.aws.triggers.glue import GlueJobCompleteTrigger

from complaints.aws import jobs
from complaints.aws.jobs import Job
from complaints.tasks import steps
from operators.once import RunsOnce


class GlueJobOperator(RunsOnce, glue.GlueJobOperator):
    """Starts one run of a Glue job for its `script_args`, which name the run of the flow.

    `output_uri`: what the job writes last; the step is done while something lies there. All else is Amazon's.
    """

    kind = "Glue"
    template_fields = (*glue.GlueJobOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_uri = output_uri

    def find(self) -> Job:
        """The run that was started with these arguments."""
        return jobs.glue_job(
            self.hook.conn,
            self.has_objects,
            job_name=self.job_name,
            arguments=self.script_args,
            output_uri=self.output_uri,
        )

    def looks_first(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """`steps.find_glue_job`."""
        arguments = {"job_name": self.job_name, "arguments": self.script_args, "output_uri": self.output_uri}
        return steps.find_glue_job, arguments

    def wait(self, job: Job) -> None:
        """Amazon's own trigger, for a run that somebody else may have started."""
        self.defer(
            trigger=GlueJobCompleteTrigger(
                job_name=self.job_name,
                run_id=job.name,
                aws_conn_id=self.aws_conn_id,
                region_name=self.region_name,
                waiter_delay=self.waiter_delay,
                waiter_max_attempts=self.waiter_max_attempts,
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )

    def stop(self, job: Job) -> None:
        """BatchStopJobRun."""
        self.hook.conn.batch_stop_job_run(JobName=self.job_name, JobRunIds=[job.name])

    @property
    def pause(self) -> float:
        """`waiter_delay`."""
        return float(self.waiter_delay)

    def on_kill(self) -> None:
        """Stops the run that this try started; there may be none yet."""
        if self._job_run_id:
            super().on_kill()  # type: ignore[no-untyped-call]
