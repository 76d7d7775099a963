"""Amazon's GlueJobOperator, idempotent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.providers.amazon.aws.operators import glue
from airflow.providers.amazon.aws.triggers.glue import GlueJobCompleteTrigger

from complaints.aws import jobs
from complaints.aws.job_kinds import GLUE
from complaints.aws.jobs import Job
from complaints.settings import load_settings
from complaints.tasks.jobs import find_glue_job
from operators.once import RunsOnce
from operators.waiting import waiting_defaults


class GlueJobOperator(RunsOnce, glue.GlueJobOperator):
    """Starts one run of a Glue job for its `script_args`, which identify the run of the flow, and waits for its end.

    `output_uri`: what the job writes last; the step is done once there are data below it. By default the operator
    defers, waits as long as the settings let a Glue job run, and stops the run when its task is killed. All other
    arguments are Amazon's.
    """

    kind = GLUE
    template_fields = (*glue.GlueJobOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        pipeline = load_settings().pipeline
        minutes = (kwargs.get("run_job_kwargs") or {}).get("Timeout", pipeline.glue.timeout_minutes)
        waiting = waiting_defaults(
            {"stop_job_run_on_kill": True, **kwargs},
            job_seconds=minutes * 60,
            poll_seconds=pipeline.orchestration.poll_seconds,
            pause="waiter_delay",
            attempts="waiter_max_attempts",
        )
        super().__init__(**waiting)
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
        """`find_glue_job`."""
        arguments = {"job_name": self.job_name, "arguments": self.script_args, "output_uri": self.output_uri}
        return find_glue_job, arguments

    def wait(self, job: Job) -> None:
        """Defers to Amazon's trigger, also for a run that something else started."""
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
        jobs.stop(self.hook.conn, self.kind, job, self.job_name)

    @property
    def pause(self) -> float:
        """`waiter_delay`."""
        return float(self.waiter_delay)

    def on_kill(self) -> None:
        """Stops the run that this try started; there may be none yet."""
        if self._job_run_id:
            super().on_kill()  # type: ignore[no-untyped-call]
