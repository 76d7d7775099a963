"""What SQL needs: Glue databases and tables, and Athena workgroups."""

from contextlib import suppress

from localaws.cloudformation.resources import Kind, Made, ResourceError, names, picked, tags
from localaws.server.cloud import ACCOUNT, Cloud
from localaws.server.protocol import Json


def _own_catalog(properties: Json) -> None:
    if properties["CatalogId"] != ACCOUNT:
        raise ResourceError(f"catalog {properties['CatalogId']} is another account's")


def _find_database(cloud: Cloud, properties: Json) -> Made | None:
    glue, name = cloud.client("glue"), properties["DatabaseInput"]["Name"]
    try:
        glue.get_database(Name=name)
    except glue.exceptions.EntityNotFoundException:
        return None
    return Made(name)


def _create_database(cloud: Cloud, properties: Json) -> Made:
    _own_catalog(properties)
    cloud.client("glue").create_database(DatabaseInput=properties["DatabaseInput"])
    return Made(properties["DatabaseInput"]["Name"])


def _update_database(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    cloud.client("glue").update_database(Name=made.ref, DatabaseInput=now["DatabaseInput"])
    return made


def _delete_database(cloud: Cloud, made: Made, properties: Json) -> None:
    glue = cloud.client("glue")
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_database(Name=made.ref)


def _create_table(cloud: Cloud, properties: Json) -> Made:
    _own_catalog(properties)
    cloud.client("glue").create_table(DatabaseName=properties["DatabaseName"], TableInput=properties["TableInput"])
    return Made(properties["TableInput"]["Name"])


def _update_table(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    cloud.client("glue").update_table(DatabaseName=now["DatabaseName"], TableInput=now["TableInput"])
    return made


def _delete_table(cloud: Cloud, made: Made, properties: Json) -> None:
    glue = cloud.client("glue")
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_table(DatabaseName=properties["DatabaseName"], Name=made.ref)


def _find_workgroup(cloud: Cloud, properties: Json) -> Made | None:
    found = cloud.client("athena").list_work_groups()["WorkGroups"]
    return Made(properties["Name"]) if any(each["Name"] == properties["Name"] for each in found) else None


def _create_workgroup(cloud: Cloud, properties: Json) -> Made:
    cloud.client("athena").create_work_group(
        **picked(properties, "Name", "Description", Configuration="WorkGroupConfiguration"),
        Tags=[{"Key": name, "Value": value} for name, value in tags(properties).items()],
    )
    return Made(properties["Name"])


def _update_workgroup(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    """moto has no UpdateWorkGroup."""
    _delete_workgroup(cloud, made, before)
    return _create_workgroup(cloud, now)


def _delete_workgroup(cloud: Cloud, made: Made, properties: Json) -> None:
    cloud.client("athena").delete_work_group(WorkGroup=made.ref, RecursiveDeleteOption=True)


KINDS = {
    "AWS::Glue::Database": Kind(
        properties=names("CatalogId DatabaseInput"),
        create=_create_database,
        update=_update_database,
        delete=_delete_database,
        find=_find_database,
    ),
    "AWS::Glue::Table": Kind(
        properties=names("CatalogId DatabaseName TableInput"),
        create=_create_table,
        update=_update_table,
        delete=_delete_table,
        replaced_by=names("DatabaseName"),
    ),
    "AWS::Athena::WorkGroup": Kind(
        properties=names("Name Description WorkGroupConfiguration RecursiveDeleteOption State Tags"),
        create=_create_workgroup,
        update=_update_workgroup,
        delete=_delete_workgroup,
        replaced_by=names("Name"),
        find=_find_workgroup,
    ),
}
