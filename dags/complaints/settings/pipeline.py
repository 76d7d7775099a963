"""`pipeline_config.yaml`: where the pipeline runs, on what, and within which limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from complaints.settings.backfill import Backfill
from complaints.settings.columns import Columns
from complaints.settings.ingestion import Ingestion
from complaints.settings.limits import Count, Limits
from complaints.settings.machines import SageMaker
from complaints.settings.prices import Prices
from complaints.settings.security import Security

Prefix = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/_-]*/$", description="an S3 prefix that ends in '/'")]
ResultColumn = Literal["received_on", "product", "sub_product", "issue", "sub_issue", "company", "state", "evidence"]
JobName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")]
TopicArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$")]


class Storage(BaseModel, extra="forbid", frozen=True):
    """The bucket of this environment, and the prefixes that files are uploaded to."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    raw: Prefix
    history: Prefix

    @property
    def batches(self) -> str:
        """The prefix of batches: each folder below it is one delivery of files, complete once it has a `_SUCCESS`."""
        return f"{self.raw}batches/"

    @staticmethod
    def source_pattern(prefix: str) -> str:
        """The pattern of a run's source: `prefix`, a folder below it, or one object's key.

        S3 accepts any key. The pattern leaves out the characters that a shell, a template or a glob would interpret, so
        that a name is harmless wherever it is used. It means the same in Python and in JavaScript (Airflow's form).
        """
        return rf"^(?!.*/\.\.(/|$)){prefix}[^\x00-\x1f\x7f;$*?\[\]{{}}<>|\\\"`^~#]*$"


class Aws(BaseModel, extra="forbid", frozen=True):
    """The AWS account: its region, its roles, and where messages go."""

    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    glue_role_arn: RoleArn
    sagemaker_role_arn: RoleArn
    alerts_topic_arn: TopicArn
    # What MWAA allows; empty where Step Functions run the flows.
    mwaa_environment: Annotated[str, Field(pattern=r"^([a-zA-Z][a-zA-Z0-9_-]{0,79})?$")] = ""


class Glue(BaseModel, extra="forbid", frozen=True):
    """The Glue jobs. Deploy creates them; the DAGs only start them."""

    prepare_history_job: JobName
    prepare_complaints_job: JobName
    audit_results_job: JobName
    fetch_export_job: JobName
    compare_exports_job: JobName
    version: Literal["5.1", "6.0"]
    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"]
    number_of_workers: Annotated[int, Field(ge=2, le=299)]
    max_concurrent_runs: Count
    timeout_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]


class Results(BaseModel, extra="forbid", frozen=True):
    """The published predictions."""

    columns: tuple[ResultColumn, ...]

    @property
    def explained(self) -> bool:
        """True if the n-grams that decided are published, which are words of the narrative."""
        return "evidence" in self.columns


class Orchestration(BaseModel, extra="forbid", frozen=True):
    """The waiting and the retries of a run; each key names its unit of time."""

    owner: str
    retries: Annotated[int, Field(ge=0, le=10)]
    retry_delay_seconds: Count
    poll_seconds: Annotated[float, Field(gt=0)]
    arrival_poll_seconds: Count
    arrival_timeout_hours: Count
    max_run_hours: Count

    @model_validator(mode="after")
    def _runs_outlast_the_wait(self) -> Self:
        if self.max_run_hours <= self.arrival_timeout_hours:
            hours = self.arrival_timeout_hours
            raise ValueError(f"max_run_hours is {self.max_run_hours}; make it more than arrival_timeout_hours, {hours}")
        return self

    @property
    def run_timeout(self) -> timedelta:
        """The most time that a run may take, including the wait for complaints."""
        return timedelta(hours=self.max_run_hours)

    def default_args(self) -> dict[str, Any]:
        """Airflow's `default_args` for every task of every flow."""
        return {
            "owner": self.owner,
            "retries": self.retries,
            "retry_delay": timedelta(seconds=self.retry_delay_seconds),
            # Not exponential: Airflow 3.0 requires a bool for that, and Airflow 3.2 reads True as a factor of 1.
            "execution_timeout": timedelta(minutes=15),
        }


class PipelineSettings(BaseModel, extra="forbid", frozen=True):
    """The content of `pipeline_config.yaml`."""

    storage: Storage
    aws: Aws
    glue: Glue
    sagemaker: SageMaker
    security: Security
    limits: Limits
    columns: Columns
    results: Results
    ingestion: Ingestion
    orchestration: Orchestration
    prices: Prices
    backfill: Backfill

    def of_reading(self) -> dict[str, Any]:
        """What affects which rows a run has: the limits, and the names of columns, if there are any of one's own."""
        aliases = self.columns.of_reading()
        return {**self.limits.of_reading(), **({"aliases": aliases} if aliases else {})}

    @model_validator(mode="after")
    def _the_longest_record_fits_into_a_payload(self) -> PipelineSettings:
        self.limits.check_payload(self.sagemaker.transform.max_payload_mb)
        return self
