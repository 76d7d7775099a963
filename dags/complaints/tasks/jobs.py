"""The search for a step's job, as a task: a state machine calls it before it starts a job, as the operators do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.aws import jobs
from complaints.aws.clients import client, environment_bucket
from complaints.aws.job_kinds import GLUE, JobKind, kind_named
from complaints.settings import load_settings


def find_glue_job(job_name: str, arguments: Mapping[str, str], output_uri: str) -> dict[str, Any]:
    """The state, the run id and the result of a step's Glue run (`complaints.aws.jobs.glue_job`)."""
    settings = load_settings()
    job = jobs.glue_job(
        client("glue", settings),
        environment_bucket(settings).has_objects,
        job_name=job_name,
        arguments=arguments,
        output_uri=output_uri,
    )
    return _found(GLUE, job)


def find_sagemaker_job(kind: str, request: Mapping[str, Any], output_uri: str) -> dict[str, Any]:
    """The state and the result of a step's SageMaker job, and its name or the name to create it with."""
    settings = load_settings()
    job = jobs.sagemaker_job(
        client("sagemaker", settings),
        environment_bucket(settings).has_objects,
        kind=kind_named(kind),
        request=request,
        output_uri=output_uri,
    )
    return _found(kind_named(kind), job)


def _found(kind: JobKind, job: jobs.Job) -> dict[str, Any]:
    return {"state": job.state, "name": job.name, "result": jobs.result_of(kind, job)}
