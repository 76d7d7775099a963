"""The kinds of jobs that a step can start: their names in AWS's API, their states, their limits and their logs.

The operators, the compiler, the search for jobs, alerts and logs all read this table. To add a kind, add an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# SageMaker never accepts a job name twice, so each attempt gets a number: `<planned name>-0` to `-99`.
_ATTEMPT = "-99"


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    `start`, `describe`, `stop` and `list` are operations of the API. `id_member`, `status_member` and `reason_member`
    are members of what `describe` returns: the name of one attempt, its state, and why it failed. `result` is the key
    of the operator's XCom. `outputs` are the members of a description that later steps need.
    """

    name: str
    service: str
    start: str
    describe: str
    stop: str
    list: str
    id_member: str
    status_member: str
    reason_member: str
    longest_name: int
    running: frozenset[str]
    succeeded: str
    failed: frozenset[str]
    log_groups: tuple[str, ...]
    log_stream: str
    result: str
    outputs: tuple[str, ...] = ()

    @property
    def longest_planned_name(self) -> int:
        """The most characters that a planned name may have, so that the number of an attempt still fits behind it."""
        return self.longest_name - len(_ATTEMPT)

    @property
    def title(self) -> str:
        """The kind in a sentence: `SageMaker transform job`."""
        return "Glue job" if self.service == "glue" else f"SageMaker {self.result.lower()} job"


def _sagemaker(
    name: str,
    *,
    result: str = "",
    longest_name: int = 63,
    log_group: str = "",
    log_stream: str = "{}/",
    outputs: tuple[str, ...] = (),
) -> JobKind:
    return JobKind(
        name=name,
        service="sagemaker",
        start=f"Create{name}Job",
        describe=f"Describe{name}Job",
        stop=f"Stop{name}Job",
        list=f"List{name}Jobs",
        id_member=f"{name}JobName",
        status_member=f"{name}JobStatus",
        reason_member="FailureReason",
        longest_name=longest_name,
        running=frozenset({"InProgress", "Stopping"}),
        succeeded="Completed",
        failed=frozenset({"Failed", "Stopped"}),
        log_groups=(log_group or f"/aws/sagemaker/{name}Jobs",),
        log_stream=log_stream,
        result=result or name,
        outputs=outputs,
    )


GLUE = JobKind(
    name="Glue",
    service="glue",
    start="StartJobRun",
    describe="GetJobRun",
    stop="BatchStopJobRun",
    list="GetJobRuns",
    id_member="Id",
    status_member="JobRunState",
    reason_member="ErrorMessage",
    longest_name=255,
    running=frozenset({"STARTING", "RUNNING", "WAITING", "STOPPING"}),
    succeeded="SUCCEEDED",
    failed=frozenset({"STOPPED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED"}),
    # The output of the driver's script, and the log of the driver and Spark.
    log_groups=("/aws-glue/jobs/output", "/aws-glue/jobs/error"),
    log_stream="{}",
    result="Glue",
)
TRAINING = _sagemaker("Training", outputs=("ModelArtifacts",))
PROCESSING = _sagemaker("Processing")
TRANSFORM = _sagemaker("Transform", outputs=("TransformOutput",))
# Amazon's operator calls this one "Tuning". It has no log of its own: each of its training jobs has one, and a name
# that begins with the tuning job's.
TUNING = _sagemaker(
    "HyperParameterTuning",
    result="Tuning",
    longest_name=32,
    log_group="/aws/sagemaker/TrainingJobs",
    log_stream="{}-",
    outputs=("BestTrainingJob",),
)
KINDS = (GLUE, TRAINING, PROCESSING, TRANSFORM, TUNING)


def kind_named(name: str) -> JobKind:
    """The kind with this name, as the API or Amazon's operators spell it.

    Raises:
        KeyError: there is no such kind; the message lists the known ones.
    """
    for kind in KINDS:
        if name in (kind.name, kind.result):
            return kind
    raise KeyError(f"unknown kind of job {name!r}; use one of {', '.join(kind.name for kind in KINDS)}")


def kind_of(described: Mapping[str, Any]) -> JobKind | None:
    """The kind of the job that AWS described; None where the mapping describes no job."""
    if GLUE.status_member in described:
        return GLUE
    return next((kind for kind in KINDS[1:] if kind.id_member in described), None)
