"""Amazon's operators of SageMaker jobs, idempotent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.providers.amazon.aws.operators import sagemaker
from airflow.providers.amazon.aws.triggers.sagemaker import SageMakerTrigger

from complaints.aws import jobs
from complaints.aws.jobs import Job
from complaints.tasks import steps
from operators.once import RunsOnce

# Its name is known to be free; if it was taken in between, that job is the one to wait for.
_IF_TAKEN = "fail"


class _SageMakerJob(RunsOnce):
    """What the three kinds have in common.

    `config`: the request; each attempt gets a number behind its job name (`…-0`), since SageMaker takes no name twice.
    `output_uri`: where the job leaves its output; the step is done while something lies there.
    """

    config: dict[str, Any]
    check_interval: int
    max_attempts: int
    _planned_name: str | None = None

    @property
    def _name(self) -> str:
        return f"{self.kind}JobName"

    def find(self) -> Job:
        """The newest attempt at this request."""
        self._planned_name = self._planned_name or self.config[self._name]
        return jobs.sagemaker_job(
            self.hook.conn,
            self.has_objects,
            kind=self.kind,
            request={**self.config, self._name: self._planned_name},
            output_uri=self.output_uri,
        )

    def looks_first(self) -> tuple[Callable[..., Any], dict[str, Any]]:
        """`steps.find_sagemaker_job`."""
        return steps.find_sagemaker_job, {"kind": self.kind, "request": self.config, "output_uri": self.output_uri}

    def begin_as(self, job: Job) -> None:
        """The next attempt's name."""
        self.config = {**self.config, self._name: job.name}

    def wait(self, job: Job) -> None:
        """Amazon's own trigger, for a job that somebody else may have started."""
        self.defer(
            trigger=SageMakerTrigger(
                job_name=job.name,
                job_type=self.kind,
                poke_interval=self.check_interval,
                max_attempts=self.max_attempts,
                aws_conn_id=self.aws_conn_id,
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout,
        )

    def stop(self, job: Job) -> None:
        """Stop…Job."""
        getattr(self.hook.conn, f"stop_{self.kind.lower()}_job")(**{self._name: job.name})

    @property
    def pause(self) -> float:
        """`check_interval`."""
        return float(self.check_interval)


class SageMakerTrainingOperator(_SageMakerJob, sagemaker.SageMakerTrainingOperator):
    """Creates one training job for its `config`."""

    kind = "Training"
    template_fields = (*sagemaker.SageMakerTrainingOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        super().__init__(action_if_job_exists=_IF_TAKEN, **kwargs)
        self.output_uri = output_uri


class SageMakerProcessingOperator(_SageMakerJob, sagemaker.SageMakerProcessingOperator):
    """Creates one processing job for its `config`."""

    kind = "Processing"
    template_fields = (*sagemaker.SageMakerProcessingOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        super().__init__(action_if_job_exists=_IF_TAKEN, **kwargs)
        self.output_uri = output_uri


class SageMakerTransformOperator(_SageMakerJob, sagemaker.SageMakerTransformOperator):
    """Creates one batch transform job for its `config`, which names a Model that exists."""

    kind = "Transform"
    template_fields = (*sagemaker.SageMakerTransformOperator.template_fields, "output_uri")

    def __init__(self, *, output_uri: str, **kwargs: Any) -> None:
        super().__init__(action_if_job_exists=_IF_TAKEN, **kwargs)
        self.output_uri = output_uri
