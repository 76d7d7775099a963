"""Lambda functions, their layers and permissions, and how they are invoked asynchronously."""

from contextlib import suppress

from localaws.cloudformation.resources import Kind, Made, names, picked
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json

FUNCTION = ("Description", "Handler", "Role", "Runtime", "Timeout", "MemorySize", "Environment", "Layers")


def _find(cloud: Cloud, properties: Json) -> Made | None:
    functions = cloud.client("lambda")
    try:
        found = functions.get_function(FunctionName=properties["FunctionName"])["Configuration"]
    except functions.exceptions.ResourceNotFoundException:
        return None
    return _function(found)


def _function(configuration: Json) -> Made:
    return Made(configuration["FunctionName"], {"Arn": configuration["FunctionArn"]})


def _configuration(properties: Json) -> Json:
    given = picked(properties, *FUNCTION)
    return given | {name: int(given[name]) for name in ("Timeout", "MemorySize") if name in given}


def _create(cloud: Cloud, properties: Json) -> Made:
    created = cloud.client("lambda").create_function(
        FunctionName=properties["FunctionName"], Code=properties["Code"], **_configuration(properties)
    )
    return _function(created)


def _update(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    functions = cloud.client("lambda")
    if before.get("Code") != now["Code"]:
        functions.update_function_code(FunctionName=made.ref, **now["Code"])
    functions.update_function_configuration(FunctionName=made.ref, **{"Layers": [], **_configuration(now)})
    return made


def _delete(cloud: Cloud, made: Made, properties: Json) -> None:
    functions = cloud.client("lambda")
    with suppress(functions.exceptions.ResourceNotFoundException):
        functions.delete_function(FunctionName=made.ref)


def _publish(cloud: Cloud, properties: Json) -> Made:
    made = cloud.client("lambda").publish_layer_version(
        **picked(properties, "LayerName", "Description", "CompatibleRuntimes", "Content")
    )
    return Made(made["LayerVersionArn"], {"LayerVersionArn": made["LayerVersionArn"]})


def _remove_layer(cloud: Cloud, made: Made, properties: Json) -> None:
    name, version = made.ref.rsplit(":", 2)[1:]
    cloud.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))


def _permit(cloud: Cloud, properties: Json) -> Made:
    # As in AWS, the id of the statement is no property.
    source = properties.get("SourceArn", "anything").rpartition("/")[2]
    request = picked(properties, "FunctionName", "Action", "Principal", "SourceArn", "SourceAccount")
    cloud.client("lambda").add_permission(StatementId=source, **request)
    return Made(source)


def _forbid(cloud: Cloud, made: Made, properties: Json) -> None:
    functions = cloud.client("lambda")
    with suppress(functions.exceptions.ResourceNotFoundException):
        functions.remove_permission(FunctionName=properties["FunctionName"], StatementId=made.ref)


def _configure(cloud: Cloud, properties: Json) -> Made:
    request = picked(
        properties, "FunctionName", "MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"
    )
    request |= {name: int(request[name]) for name in request if name.startswith("Maximum")}
    cloud.client("lambda").put_function_event_invoke_config(**request)
    return Made(f"{properties['FunctionName']}|{properties['Qualifier']}")


def _unconfigure(cloud: Cloud, made: Made, properties: Json) -> None:
    functions = cloud.client("lambda")
    with suppress(functions.exceptions.ResourceNotFoundException):
        functions.delete_function_event_invoke_config(FunctionName=properties["FunctionName"])


KINDS = {
    "AWS::Lambda::Function": Kind(
        properties=names(f"FunctionName Code {' '.join(FUNCTION)}"),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=names("FunctionName"),
        find=_find,
    ),
    "AWS::Lambda::LayerVersion": Kind(
        properties=names("LayerName Description CompatibleRuntimes Content"), create=_publish, delete=_remove_layer
    ),
    "AWS::Lambda::Permission": Kind(
        properties=names("FunctionName Action Principal SourceArn SourceAccount"), create=_permit, delete=_forbid
    ),
    "AWS::Lambda::EventInvokeConfig": Kind(
        properties=names("FunctionName Qualifier MaximumRetryAttempts MaximumEventAgeInSeconds DestinationConfig"),
        create=_configure,
        update=lambda cloud, made, before, now: _configure(cloud, now),
        delete=_unconfigure,
        replaced_by=names("FunctionName Qualifier"),
    ),
}
