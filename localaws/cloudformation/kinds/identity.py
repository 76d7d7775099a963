"""IAM roles."""

import json
from contextlib import suppress

from localaws.cloudformation.resources import Kind, Made, names, picked
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json


def _find_role(cloud: Cloud, properties: Json) -> Made | None:
    iam = cloud.client("iam")
    try:
        return _role(iam.get_role(RoleName=properties["RoleName"])["Role"])
    except iam.exceptions.NoSuchEntityException:
        return None


def _role(role: Json) -> Made:
    return Made(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _create_role(cloud: Cloud, properties: Json) -> Made:
    request = picked(properties, "RoleName", "Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags")
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    role = cloud.client("iam").create_role(**request, AssumeRolePolicyDocument=trust)["Role"]
    _put_policies(cloud, properties, {})
    return _role(role)


def _update_role(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    trust = json.dumps(now["AssumeRolePolicyDocument"])
    cloud.client("iam").update_assume_role_policy(RoleName=made.ref, PolicyDocument=trust)
    _put_policies(cloud, now, before)
    return made


def _put_policies(cloud: Cloud, now: Json, before: Json) -> None:
    iam, name = cloud.client("iam"), now["RoleName"]
    wanted = {each["PolicyName"]: each["PolicyDocument"] for each in now.get("Policies", [])}
    had = {each["PolicyName"]: each["PolicyDocument"] for each in before.get("Policies", [])}
    for policy, document in wanted.items():
        if had.get(policy) != document:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    for policy in had.keys() - wanted.keys():
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    managed, attached = (set(each.get("ManagedPolicyArns", [])) for each in (now, before))
    for arn in managed - attached:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in attached - managed:
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)


def _delete_role(cloud: Cloud, made: Made, properties: Json) -> None:
    iam = cloud.client("iam")
    with suppress(iam.exceptions.NoSuchEntityException):
        _put_policies(cloud, {"RoleName": made.ref}, properties)
        iam.delete_role(RoleName=made.ref)


KINDS = {
    "AWS::IAM::Role": Kind(
        properties=names(
            "RoleName Path Description AssumeRolePolicyDocument Policies ManagedPolicyArns MaxSessionDuration "
            "PermissionsBoundary Tags"
        ),
        create=_create_role,
        update=_update_role,
        delete=_delete_role,
        replaced_by=names("RoleName Path"),
        find=_find_role,
    )
}
