"""What a user may turn: the two YAML files of `config/`, read, validated and typed.

Reading is the only thing that happens at DAG parse. A file that is wrong raises `SettingsError`, whose message
names the file, the key, the value found and what would be right.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from complaints.settings.limits import Count, Limits
from complaints.settings.machines import SageMaker

CONFIG = Path(__file__).parents[1] / "config"

Prefix = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/_-]*/$", description="an S3 prefix that ends in '/'")]
JobName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")]
TopicArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$")]
QueueArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}$")]
Fraction = Annotated[float, Field(ge=0, le=0.5)]


SectionT = TypeVar("SectionT", bound=BaseModel)


class SettingsError(ValueError):
    """A configuration file that cannot be used; the message says which key, and what would be right."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Storage(_Section):
    """The bucket of this environment and the prefixes that people put files under."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    raw: Prefix
    history: Prefix

    @property
    def batches(self) -> str:
        """Below it each folder is one delivery of several files: one batch, complete once it holds `_SUCCESS`."""
        return f"{self.raw}batches/"

    @staticmethod
    def source_pattern(prefix: str) -> str:
        """What a run may be told to read: `prefix`, a folder below it, or one object's key.

        S3 takes any key. Without the characters that a shell, a template or a glob would act on, no name does harm
        wherever it is written. The expression means the same in Python and, for Airflow's form, in JavaScript.
        """
        return rf"^(?!.*/\.\.(/|$)){prefix}[^\x00-\x1f\x7f;$*?\[\]{{}}<>|\\\"`^~#]*$"


class Aws(_Section):
    """The account's side: where, and as whom."""

    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    glue_role_arn: RoleArn
    sagemaker_role_arn: RoleArn
    alerts_topic_arn: TopicArn
    states_role_arn: RoleArn
    lambda_role_arn: RoleArn
    dead_letter_queue_arn: QueueArn


class Glue(_Section):
    """The Glue jobs, which deploy creates and the DAGs only start."""

    prepare_history_job: JobName
    prepare_complaints_job: JobName
    audit_results_job: JobName
    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"]
    number_of_workers: Annotated[int, Field(ge=2, le=299)]
    max_concurrent_runs: Count
    timeout_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]


class Orchestration(_Section):
    """How patiently a run waits and tries again; all times in the unit of the key."""

    owner: str
    retries: Annotated[int, Field(ge=0, le=10)]
    retry_delay_seconds: Count
    poll_seconds: Count
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
        """How long a run may take in all, the wait for complaints included."""
        return timedelta(hours=self.max_run_hours)

    def default_args(self) -> dict[str, Any]:
        """What every task of every flow starts from, in Airflow's words."""
        return {
            "owner": self.owner,
            "retries": self.retries,
            "retry_delay": timedelta(seconds=self.retry_delay_seconds),
            # Not exponential: Airflow 3.0 wants a bool for that, and Airflow 3.2 takes True for a factor of 1.
            "execution_timeout": timedelta(minutes=15),
        }

    def attempts(self, seconds: int) -> int:
        """How often to ask about a job that may take `seconds`, and a quarter of an hour to start and to end."""
        return math.ceil((seconds + 900) / self.poll_seconds)


class PipelineSettings(_Section):
    """`pipeline_config.yaml`: where the pipeline runs, and within which bounds."""

    storage: Storage
    aws: Aws
    glue: Glue
    sagemaker: SageMaker
    limits: Limits
    orchestration: Orchestration

    @model_validator(mode="after")
    def _the_longest_record_fits_into_a_payload(self) -> PipelineSettings:
        self.limits.check_payload(self.sagemaker.transform.max_payload_mb)
        return self


class LabelRule(_Section):
    """A product whose lower-cased name holds `contains` belongs to the class `label`."""

    contains: Annotated[str, Field(pattern=r"^[^A-Z]+$", description="lower-case text")]
    label: Label


class Split(_Section):
    """Which part of the labelled complaints is kept from training."""

    newest_fraction: Fraction
    test_fraction: Fraction


class Hyperparameters(_Section):
    """Passed to the training script as they are."""

    ngram_max: Annotated[int, Field(ge=1, le=3)]
    min_df: Count
    max_df: Annotated[float, Field(gt=0, le=1)]
    max_features: Count
    C: Annotated[float, Field(gt=0)]
    balance: Annotated[float, Field(ge=0, le=1)]
    seed: Annotated[int, Field(ge=0)]


class Training(_Section):
    """How the model is fitted, and the least it needs to learn from."""

    hyperparameters: Hyperparameters
    min_class_rows: Count


class ModelSettings(_Section):
    """`model_config.yaml`: what the model learns and how."""

    labels: Annotated[tuple[LabelRule, ...], Field(min_length=2)]
    split: Split
    training: Training
    review_below: Annotated[float, Field(ge=0, le=1)]


class Settings(_Section):
    """Both files together."""

    pipeline: PipelineSettings
    model: ModelSettings

    def fingerprint(self) -> str:
        """Sixteen hex digits that change with anything that decides results; part of every run id.

        How a run waits, or on which machines, is no part of it: the same input gives the same run.
        """
        decides = self.model.model_dump_json() + json.dumps(self.pipeline.limits.of_reading(), sort_keys=True)
        return hashlib.sha256(decides.encode()).hexdigest()[:16]


def load_settings(folder: Path = CONFIG) -> Settings:
    """Both configuration files of `folder`.

    Raises:
        SettingsError: a file is absent, is not YAML, or holds a key or a value that is not allowed.
    """
    pipeline = _section(PipelineSettings, folder / "pipeline_config.yaml")
    model = _section(ModelSettings, folder / "model_config.yaml")
    return Settings(pipeline=pipeline, model=model)


def _section(kind: type[SectionT], path: Path) -> SectionT:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path.name}: not found in {path.parent}; every environment needs one") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: not YAML: {error}") from error
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise SettingsError(_explained(path.name, error)) from None


def _explained(name: str, error: ValidationError) -> str:
    """One line a problem: `pipeline_config.yaml: glue.timeout_minutes: 0: Input should be ... 1`."""
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(the whole file)"
        # A check of several sections has no value of its own to show.
        found = "" if problem["type"] in ("missing", "value_error") else f" {problem['input']!r}:"
        problems.append(f"{name}: {key}:{found} {problem['msg']}")
    return "\n".join(problems)
