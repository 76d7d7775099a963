"""Glue jobs."""

from contextlib import suppress

from localaws.cloudformation.resources import Kind, Made, names
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json

JOB = (
    "Name Description Role Command DefaultArguments NonOverridableArguments Connections ExecutionProperty "
    "ExecutionClass GlueVersion WorkerType NumberOfWorkers Timeout MaxRetries SecurityConfiguration Tags"
)
NUMBERS = ("NumberOfWorkers", "Timeout", "MaxRetries")


def _find(cloud: Cloud, properties: Json) -> Made | None:
    glue = cloud.client("glue")
    try:
        glue.get_job(JobName=properties["Name"])
    except glue.exceptions.EntityNotFoundException:
        return None
    return Made(properties["Name"])


def _definition(properties: Json) -> Json:
    """The members of a job's definition; parameters of a template are texts, the API's numbers are not."""
    given = {name: value for name, value in properties.items() if name not in ("Name", "Tags")}
    given |= {name: int(given[name]) for name in NUMBERS if name in given}
    if "ExecutionProperty" in given:
        given["ExecutionProperty"] = {name: int(value) for name, value in given["ExecutionProperty"].items()}
    return given


def _create(cloud: Cloud, properties: Json) -> Made:
    cloud.client("glue").create_job(
        Name=properties["Name"], **_definition(properties), Tags=properties.get("Tags") or {}
    )
    return Made(properties["Name"])


def _update(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    cloud.client("glue").update_job(JobName=made.ref, JobUpdate=_definition(now))
    return made


def _delete(cloud: Cloud, made: Made, properties: Json) -> None:
    glue = cloud.client("glue")
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_job(JobName=made.ref)


KINDS = {
    "AWS::Glue::Job": Kind(
        properties=names(JOB),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=names("Name"),
        find=_find,
    )
}
