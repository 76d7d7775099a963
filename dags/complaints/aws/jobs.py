"""Whether a step's job is there already: yet to be started, running, or done, whoever started it.

Airflow's operators and the state machines ask this before they start anything, so that a task that is cleared, a worker
that was killed and an execution that is started anew find the job that there is, and never start a second one. A job
counts as done while its output is there: who deletes a run's folder has its jobs run again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal

from botocore.exceptions import ClientError

State = Literal["absent", "running", "done"]
HasObjects = Callable[[str], bool]

# StartJobRun is refused while 1,000 runs are there (the greatest MaxConcurrentRuns): one that runs is among these.
_NEWEST_RUNS = 1_000
_RUNS_PER_PAGE = 200  # the most that GetJobRuns gives
_GLUE_RUNNING = {"STARTING", "RUNNING", "WAITING", "STOPPING"}
_SAGEMAKER_RUNNING = {"InProgress", "Stopping"}
_S3_URI = re.compile(r's3://[^\s"]+')


class ForeignJobError(RuntimeError):
    """A job of the planned name runs, but reads or writes other places: it must end before ours may start."""


@dataclass(frozen=True)
class Job:
    """What there is of a step's job.

    `name`: the id of the Glue run, or the name of the SageMaker job, that runs or is done; of an absent SageMaker job
    the name to create it by, for a name is never free again. `described`: the newest attempt in AWS's words, if any.
    """

    state: State
    name: str
    described: Mapping[str, Any] = field(default_factory=dict)


def glue_job(
    glue: Any, has_objects: HasObjects, *, job_name: str, arguments: Mapping[str, str], output_uri: str
) -> Job:
    """The run of a Glue job that was started with these arguments, which name the run of the flow.

    `output_uri`: what the job writes last, so that it is complete where there is something below it.
    """
    runs = [run for run in _newest_runs(glue, job_name) if arguments.items() <= run.get("Arguments", {}).items()]
    newest = runs[0] if runs else {}
    for run in runs:
        if run["JobRunState"] in _GLUE_RUNNING:
            return Job("running", run["Id"], run)
    if has_objects(output_uri):
        return Job("done", str(newest.get("Id", "")), newest)
    return Job("absent", "", newest)


def _newest_runs(glue: Any, job_name: str) -> Iterator[Mapping[str, Any]]:
    pages = glue.get_paginator("get_job_runs").paginate(
        JobName=job_name, PaginationConfig={"MaxItems": _NEWEST_RUNS, "PageSize": _RUNS_PER_PAGE}
    )
    return (run for page in pages for run in page["JobRuns"])


def sagemaker_job(
    sagemaker: Any, has_objects: HasObjects, *, kind: str, request: Mapping[str, Any], output_uri: str
) -> Job:
    """The job of `kind` (Training, Processing or Transform) that `request` would create.

    SageMaker never takes a name twice, so attempts are numbered: `<planned name>-0`, `-1`, … The newest one counts. A
    job that reads or writes other places is none of them, such as the evaluation of a model that was since replaced.

    Raises:
        ForeignJobError: a job of other places has such a name, and runs.
    """
    planned, newest = request[f"{kind}JobName"], Job("absent", "")
    for attempt in count():
        name = f"{planned}-{attempt}"
        described = _described(sagemaker, kind, name)
        if described is None:
            break
        elsewhere = _other_places(request, described)
        if elsewhere and described[f"{kind}JobStatus"] in _SAGEMAKER_RUNNING:
            raise ForeignJobError(
                f"the SageMaker job {name} runs, but does not use {elsewhere[0]} ({len(elsewhere)} such places): wait "
                "for its end, or stop it, and run this again"
            )
        newest = newest if elsewhere else Job("absent", name, described)
    status = newest.described.get(f"{kind}JobStatus")
    if status in _SAGEMAKER_RUNNING:
        return replace(newest, state="running")
    if status == "Completed" and has_objects(output_uri):
        return replace(newest, state="done")
    return replace(newest, name=name)


def _described(sagemaker: Any, kind: str, name: str) -> dict[str, Any] | None:
    try:
        described: dict[str, Any] = getattr(sagemaker, f"describe_{kind.lower()}_job")(**{f"{kind}JobName": name})
    except ClientError as error:
        # What Describe says of a name that it does not know: the first in fact, the second by its model.
        if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound"):
            return None
        raise
    described.pop("ResponseMetadata", None)
    return described


def _other_places(request: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """The `s3://` URIs of a request that a job does not know."""
    ours, theirs = (set(_S3_URI.findall(json.dumps(each, default=str))) for each in (request, described))
    return sorted(ours - theirs)


def result_of(kind: str, job: Job) -> Any:
    """What the step of a job that is done leaves for others, in the shape of the operator's XCom; else None.

    For Glue (`kind` is "Glue") the run's id, for SageMaker `{kind: description}`.
    """
    if job.state != "done":
        return None
    return job.name if kind == "Glue" else {kind: json.loads(json.dumps(job.described, default=str))}
