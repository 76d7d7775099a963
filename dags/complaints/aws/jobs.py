"""The search for the job of a step, which is absent, running or done.

The operators and the state machines look for a job before they start one. A cleared task, a killed worker and a second
execution therefore find the existing job and never start another. A job counts as done while its output exists: delete
a run's folder, and its jobs run again. A step without any input is done without a job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal

from botocore import xform_name
from botocore.exceptions import ClientError

from complaints.aws.job_kinds import GLUE, KINDS, TRANSFORM, TUNING, JobKind

State = Literal["absent", "running", "done"]
HasObjects = Callable[[str], bool]

# MaxConcurrentRuns is at most 1,000, so a running run is among the newest 1,000.
_NEWEST_RUNS = 1_000
_RUNS_PER_PAGE = 200  # the maximum of GetJobRuns
_S3_URI = re.compile(r's3://[^\s"]+')
# Describe…Job's codes for an unknown name: the one that SageMaker returns, and the one that its API model declares.
_UNKNOWN_NAME = ("ValidationException", "ResourceNotFound")


class ForeignJobError(RuntimeError):
    """A running job has the planned name, but reads or writes other places: it must end before ours can start."""


@dataclass(frozen=True)
class Job:
    """The state of a step's job.

    `name`: the id of the Glue run or the name of the SageMaker job that is running or done; empty where a step is done
    without a job that AWS knows. Of an absent SageMaker job it is the name to create it with, since a name is never
    free again. `described`: the newest attempt as AWS describes it, if there is one.
    """

    state: State
    name: str
    described: Mapping[str, Any] = field(default_factory=dict)


def glue_job(
    glue: Any, has_objects: HasObjects, *, job_name: str, arguments: Mapping[str, str], output_uri: str
) -> Job:
    """The run of a Glue job that was started with these arguments, which identify the run of the flow.

    `output_uri`: what the job writes last; the job is complete once there are data below it.
    """
    newest = _newest_run(glue, job_name, arguments)
    if newest.get("JobRunState") in GLUE.running:
        return Job("running", newest["Id"], newest)
    if has_objects(output_uri):
        return Job("done", str(newest.get("Id", "")), newest)
    return Job("absent", "", newest)


def _newest_run(glue: Any, job_name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """The newest run with these arguments, or a running one of the same page; empty where there is none.

    GetJobRuns lists the newest first, and no run of ours is started while an older one is running. So the page of the
    first match decides. Only a run that was started by hand could be running on a later page.
    """
    pages = glue.get_paginator("get_job_runs").paginate(
        JobName=job_name, PaginationConfig={"MaxItems": _NEWEST_RUNS, "PageSize": _RUNS_PER_PAGE}
    )
    for page in pages:
        runs = [run for run in page["JobRuns"] if arguments.items() <= run.get("Arguments", {}).items()]
        if runs:
            return next((run for run in runs if run["JobRunState"] in GLUE.running), runs[0])
    return {}


def glue_runs(glue: Any, job_name: str, arguments: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The runs of a Glue job that were started with these arguments, newest first, of its newest thousand."""
    pages = glue.get_paginator("get_job_runs").paginate(
        JobName=job_name, PaginationConfig={"MaxItems": _NEWEST_RUNS, "PageSize": _RUNS_PER_PAGE}
    )
    return [run for page in pages for run in page["JobRuns"] if arguments.items() <= run.get("Arguments", {}).items()]


def attempts(sagemaker: Any, kind: JobKind, planned: str) -> list[dict[str, Any]]:
    """The attempts at a SageMaker job with this planned name, as AWS describes them, oldest first."""
    return [described for _, described in _attempts(sagemaker, kind, planned) if described]


def training_jobs_of(sagemaker: Any, tuning: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The training jobs that a tuning job started, each with the machines that it ran on, as AWS describes them."""
    machines = tuning["TrainingJobDefinition"]["ResourceConfig"]
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        **{TUNING.id_member: tuning[TUNING.id_member]}
    )
    return ({**summary, "ResourceConfig": machines} for page in pages for summary in page["TrainingJobSummaries"])


def sagemaker_job(
    sagemaker: Any, has_objects: HasObjects, *, kind: JobKind, request: Mapping[str, Any], output_uri: str
) -> Job:
    """The newest attempt at the job that `request` would create, and the name for the next one.

    SageMaker never accepts a name twice, so attempts are numbered: `<planned name>-0`, `-1`, … A job that uses other
    places is not an attempt at this request, for example the evaluation of a model that has been replaced since.

    A transform of nothing is done without a job: AWS does not document what it makes of empty files, which are what
    `prepare_complaints` leaves where no complaint has a narrative.

    Raises:
        ForeignJobError: a running job has such a name, but uses other places.
    """
    newest, next_name = Job("absent", ""), ""
    for name, described in _attempts(sagemaker, kind, request[kind.id_member]):
        next_name = name
        if described is None:
            break
        elsewhere = _other_places(request, described)
        if elsewhere and described[kind.status_member] in kind.running:
            raise ForeignJobError(
                f"the {kind.title} {name} is running, but does not use {elsewhere[0]} ({len(elsewhere)} such places): "
                "wait for its end, or stop it, and run this again"
            )
        newest = newest if elsewhere else Job("absent", name, described)
    status = newest.described.get(kind.status_member)
    if status in kind.running:
        return replace(newest, state="running")
    if status == kind.succeeded and has_objects(output_uri):
        return replace(newest, state="done")
    if kind is TRANSFORM and not has_objects(_transformed(request)):
        return Job("done", "")
    return replace(newest, name=next_name)


def _transformed(request: Mapping[str, Any]) -> str:
    """The `s3://` URI of the data that a CreateTransformJob asks to transform."""
    uri: str = request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    return uri


def _attempts(sagemaker: Any, kind: JobKind, planned: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Each attempt's name and description, oldest first; the last one is the free name, with None."""
    for attempt in count():
        name = f"{planned}-{attempt}"
        described = describe(sagemaker, kind, name)
        yield name, described
        if described is None:
            return


def describe(sagemaker: Any, kind: JobKind, name: str) -> dict[str, Any] | None:
    """The SageMaker job as AWS describes it; None where there is none with this name."""
    try:
        described: dict[str, Any] = _call(sagemaker, kind.describe, **{kind.id_member: name})
    except ClientError as error:
        if error.response["Error"]["Code"] in _UNKNOWN_NAME:
            return None
        raise
    described.pop("ResponseMetadata", None)
    return described


def _other_places(request: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """The `s3://` URIs of a request that are not in the description of a job."""
    ours, theirs = (set(_S3_URI.findall(json.dumps(each, default=str))) for each in (request, described))
    return sorted(ours - theirs)


def stop(client: Any, kind: JobKind, job: Job, job_name: str = "") -> None:
    """Asks AWS to end a job; `job_name` is needed for a run of a Glue job."""
    request = {"JobName": job_name, "JobRunIds": [job.name]} if kind is GLUE else {kind.id_member: job.name}
    _call(client, kind.stop, **request)


def job_behind(task: Any, glue: Any, sagemaker: Any) -> Mapping[str, Any] | None:
    """The newest job that an Airflow operator started for this run, as AWS describes it; None where there is none."""
    if job_name := getattr(task, "job_name", None):
        return _newest_run(glue, job_name, dict(task.script_args or {})) or None
    config = getattr(task, "config", None) or {}
    for kind in KINDS:
        if planned := config.get(kind.id_member):
            found = attempts(sagemaker, kind, planned)
            return found[-1] if found else None
    return None


def latest(client: Any, kind: JobKind, job_name: str = "") -> dict[str, Any]:
    """The newest job of a kind, as AWS describes it; empty where there is none.

    `job_name`: the Glue job, or a part of the names of SageMaker jobs.
    """
    if kind is GLUE:
        runs: list[dict[str, Any]] = _call(client, kind.list, JobName=job_name, MaxResults=1)["JobRuns"]
        return runs[0] if runs else {}
    named = {"NameContains": job_name} if job_name else {}
    listed = _call(client, kind.list, SortBy="CreationTime", SortOrder="Descending", MaxResults=1, **named)
    names = [each[kind.id_member] for each in listed[f"{kind.name}JobSummaries"]]
    return (describe(client, kind, names[0]) if names else None) or {}


def _call(client: Any, operation: str, **request: Any) -> Any:
    return getattr(client, xform_name(operation))(**request)


def result_of(kind: JobKind, job: Job) -> Any:
    """The result that a finished job's step passes on, in the shape of the operator's XCom; None for any other job.

    For Glue it is the run's id, for SageMaker `{kind.result: description}`.
    """
    if job.state != "done":
        return None
    return job.name if kind is GLUE else {kind.result: json.loads(json.dumps(job.described, default=str))}
