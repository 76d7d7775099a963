"""Amazon's operators for SageMaker jobs, idempotent."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from airflow.providers.amazon.aws.operators import sagemaker
from airflow.providers.amazon.aws.triggers.sagemaker import SageMakerTrigger
from airflow.sdk import Context

from complaints.aws import jobs
from complaints.aws.job_kinds import PROCESSING, TRAINING, TRANSFORM, TUNING
from complaints.aws.jobs import Job
from complaints.settings import load_settings
from complaints.tasks.jobs import find_sagemaker_job
from operators.once import RunsOnce
from operators.waiting import waiting_defaults


class _SageMakerJob(RunsOnce):
    """The common part of the SageMaker operators.

    `config`: the request. SageMaker never accepts a job name twice, so each attempt appends its number to the planned
    name: `…-0`, `…-1`. `output_uri`: where the job leaves its output; the step is done once there are data below it. By
    default an operator defers and waits as long as the job's StoppingCondition lets it run.
    """

    config: dict[str, Any]
    check_interval: int
    max_attempts: int

    def find(self) -> Job:
        """The newest attempt at this request."""
        return jobs.sagemaker_job(
            self.hook.conn, self.has_objects, kind=self.kind, request=self.config, output_uri=self.output_uri
        )

    def looks_first(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """`find_sagemaker_job`."""
        arguments = {"kind": self.kind.name, "request": self.config, "output_uri": self.output_uri}
        return find_sagemaker_job, arguments

    def start(self, job: Job, context: Context) -> None:
        """Creates the job with the name of the next attempt; `config` keeps the planned name."""
        planned = self.config
        self.config = {**planned, self.kind.id_member: job.name}
        try:
            super().start(job, context)
        finally:
            self.config = planned

    def wait(self, job: Job) -> None:
        """Defers to Amazon's trigger, also for a job that something else started."""
        self.defer(
            trigger=SageMakerTrigger(
                job_name=job.name,
                job_type=self.kind.result,
                poke_interval=self.check_interval,
                max_attempts=self.max_attempts,
                aws_conn_id=self.aws_conn_id,
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )

    def stop(self, job: Job) -> None:
        """Stop…Job."""
        jobs.stop(self.hook.conn, self.kind, job)

    @property
    def pause(self) -> float:
        """`check_interval`."""
        return float(self.check_interval)


def _defaults(given: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The arguments of an operator, with the defaults of all SageMaker jobs and `more`."""
    pipeline = load_settings().pipeline
    # A batch transform has no StoppingCondition: its limit is a setting of ours.
    stopping = given["config"].get("StoppingCondition", {})
    return waiting_defaults(
        # The name is known to be free. If another execution takes it first, its job is the one to wait for.
        {"action_if_job_exists": "fail", **more, **given},
        job_seconds=stopping.get("MaxRuntimeInSeconds", pipeline.sagemaker.transform.max_runtime_seconds),
        poll_seconds=pipeline.orchestration.poll_seconds,
        pause="check_interval",
        attempts="max_attempts",
    )


class SageMakerTrainingOperator(_SageMakerJob, sagemaker.SageMakerTrainingOperator):
    """Creates one training job for its `config`."""

    kind = TRAINING
    template_fields = (*sagemaker.SageMakerTrainingOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        super().__init__(**_defaults(kwargs, print_log=False))
        self.output_uri = output_uri


class SageMakerProcessingOperator(_SageMakerJob, sagemaker.SageMakerProcessingOperator):
    """Creates one processing job for its `config`."""

    kind = PROCESSING
    template_fields = (*sagemaker.SageMakerProcessingOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        super().__init__(**_defaults(kwargs, print_log=False))
        self.output_uri = output_uri


class SageMakerTransformOperator(_SageMakerJob, sagemaker.SageMakerTransformOperator):
    """Creates one batch transform job for its `config`, which names an existing model."""

    kind = TRANSFORM
    template_fields = (*sagemaker.SageMakerTransformOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        super().__init__(**_defaults(kwargs))
        self.output_uri = output_uri


class SageMakerTuningOperator(_SageMakerJob, sagemaker.SageMakerTuningOperator):
    """Creates one hyperparameter tuning job for its `config`, with MaxNumberOfTrainingJobs also for a grid.

    `output_uri`: where the training jobs leave their models. With Amazon's operator, the trigger gives up after 480
    questions, however long the training jobs may take.
    """

    kind = TUNING
    template_fields = (*sagemaker.SageMakerTuningOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        limits = kwargs["config"]["HyperParameterTuningJobConfig"]["ResourceLimits"]
        rounds = math.ceil(limits["MaxNumberOfTrainingJobs"] / limits["MaxParallelTrainingJobs"])
        pipeline = load_settings().pipeline
        waiting = waiting_defaults(
            kwargs,
            job_seconds=rounds * kwargs["config"]["TrainingJobDefinition"]["StoppingCondition"]["MaxRuntimeInSeconds"],
            poll_seconds=pipeline.orchestration.poll_seconds,
            pause="check_interval",
            attempts="max_attempts",
        )
        attempts = waiting.pop("max_attempts")
        super().__init__(**waiting)
        self.max_attempts = attempts
        self.output_uri = output_uri
