"""Step Functions' state machines and EventBridge's rules."""

import json
from contextlib import suppress
from typing import Any

from localaws.cloudformation.intrinsics import PLACEHOLDER
from localaws.cloudformation.resources import Kind, Made, ResourceError, names, picked
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json

LOGGING = {"IncludeExecutionData": "includeExecutionData", "Level": "level"}


def _find_machine(cloud: Cloud, properties: Json) -> Made | None:
    pages = cloud.client("stepfunctions").get_paginator("list_state_machines").paginate()
    known = (each for page in pages for each in page["stateMachines"])
    return next(
        (_machine(each["stateMachineArn"]) for each in known if each["name"] == properties["StateMachineName"]), None
    )


def _machine(arn: str) -> Made:
    return Made(arn, {"Arn": arn, "Name": arn.rpartition(":")[2]})


def _definition(cloud: Cloud, properties: Json) -> str:
    """The definition with its substitutions; one that has none left over. Raises ResourceError."""
    if "DefinitionS3Location" in properties:
        at = properties["DefinitionS3Location"]
        text = cloud.client("s3").get_object(Bucket=at["Bucket"], Key=at["Key"])["Body"].read().decode()
    else:
        text = properties.get("DefinitionString") or json.dumps(properties["Definition"])
    given: Json = properties.get("DefinitionSubstitutions") or {}
    found = {name for literal, name in PLACEHOLDER.findall(text) if not literal}
    if missing := sorted(found - given.keys()):
        raise ResourceError(f"the definition has no substitution for {', '.join(missing)}")
    return PLACEHOLDER.sub(lambda each: str(given[each[2]]), text)


def _request(cloud: Cloud, properties: Json) -> Json:
    request: Json = {"definition": _definition(cloud, properties), "roleArn": properties["RoleArn"]}
    if logging := properties.get("LoggingConfiguration"):
        request["loggingConfiguration"] = {
            **{api: logging[name] for name, api in LOGGING.items() if name in logging},
            "destinations": [
                {"cloudWatchLogsLogGroup": {"logGroupArn": each["CloudWatchLogsLogGroup"]["LogGroupArn"]}}
                for each in logging.get("Destinations", [])
            ],
        }
    if tracing := properties.get("TracingConfiguration"):
        request["tracingConfiguration"] = {"enabled": tracing["Enabled"]}
    return request


def _create_machine(cloud: Cloud, properties: Json) -> Made:
    made = cloud.client("stepfunctions").create_state_machine(
        name=properties["StateMachineName"],
        type=properties.get("StateMachineType", "STANDARD"),
        **_request(cloud, properties),
    )
    return _machine(made["stateMachineArn"])


def _update_machine(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    cloud.client("stepfunctions").update_state_machine(stateMachineArn=made.ref, **_request(cloud, now))
    return made


def _delete_machine(cloud: Cloud, made: Made, properties: Json) -> None:
    cloud.client("stepfunctions").delete_state_machine(stateMachineArn=made.ref)


def _find_rule(cloud: Cloud, properties: Json) -> Made | None:
    events = cloud.client("events")
    try:
        return _rule(properties["Name"], events.describe_rule(Name=properties["Name"])["Arn"])
    except events.exceptions.ResourceNotFoundException:
        return None


def _rule(name: str, arn: str) -> Made:
    return Made(name, {"Arn": arn})


def _put_rule(cloud: Cloud, properties: Json) -> Made:
    events, name = cloud.client("events"), properties["Name"]
    request = picked(properties, "Name", "Description", "ScheduleExpression", "State", "RoleArn")
    if "EventPattern" in properties:
        request["EventPattern"] = json.dumps(properties["EventPattern"])
    made = _rule(name, events.put_rule(**request)["RuleArn"])
    targets: list[Any] = properties.get("Targets", [])
    if targets:
        answer = events.put_targets(Rule=name, Targets=targets)
        if answer["FailedEntryCount"]:
            raise ResourceError(str(answer["FailedEntries"]))
    return made


def _update_rule(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    kept = {each["Id"] for each in now.get("Targets", [])}
    if gone := [each["Id"] for each in before.get("Targets", []) if each["Id"] not in kept]:
        cloud.client("events").remove_targets(Rule=made.ref, Ids=gone)
    return _put_rule(cloud, now)


def _delete_rule(cloud: Cloud, made: Made, properties: Json) -> None:
    events = cloud.client("events")
    with suppress(events.exceptions.ResourceNotFoundException):
        if ids := [each["Id"] for each in events.list_targets_by_rule(Rule=made.ref)["Targets"]]:
            events.remove_targets(Rule=made.ref, Ids=ids)
        events.delete_rule(Name=made.ref)


KINDS = {
    "AWS::StepFunctions::StateMachine": Kind(
        properties=names(
            "StateMachineName StateMachineType RoleArn Definition DefinitionString DefinitionS3Location "
            "DefinitionSubstitutions LoggingConfiguration TracingConfiguration"
        ),
        create=_create_machine,
        update=_update_machine,
        delete=_delete_machine,
        replaced_by=names("StateMachineName StateMachineType"),
        find=_find_machine,
    ),
    "AWS::Events::Rule": Kind(
        properties=names("Name Description EventPattern ScheduleExpression State RoleArn Targets"),
        create=_put_rule,
        update=_update_rule,
        delete=_delete_rule,
        replaced_by=names("Name"),
        find=_find_rule,
    ),
}
