"""CloudFormation's operations on stacks and change sets.

A change set is executed before ExecuteChangeSet is answered, so a waiter's first question finds the stack's end. All
else is as in AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html
"""

import uuid
from collections.abc import Mapping
from threading import Lock
from typing import Any

from localaws.cloudformation.changes import Change, changes
from localaws.cloudformation.declarations import declare
from localaws.cloudformation.records import ChangeSet, Stack
from localaws.cloudformation.stacks import Execution, delete_stack
from localaws.cloudformation.templates import read_template
from localaws.server.cloud import Cloud
from localaws.server.protocol import ApiError, Handler, Json

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
# A stack in one of these can be changed.
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}


class Stacks:
    """Every stack since the server started."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._stacks: list[Stack] = []
        self._working = Lock()

    @property
    def operations(self) -> Mapping[str, Handler]:
        """The operations by name."""
        return {
            "CreateChangeSet": self.create_change_set,
            "DescribeChangeSet": self.describe_change_set,
            "ExecuteChangeSet": self.execute_change_set,
            "DeleteChangeSet": self.delete_change_set,
            "DescribeStacks": self.describe_stacks,
            "DescribeStackEvents": self.describe_stack_events,
            "DescribeStackResources": self.describe_stack_resources,
            "ListStacks": self.list_stacks,
            "ListStackResources": self.list_stack_resources,
            "GetTemplate": self.get_template,
            "ValidateTemplate": self.validate_template,
            "DeleteStack": self.delete_stack,
        }

    def create_change_set(self, request: Json) -> Json:
        """Compares a template with the stack. A new stack is created in REVIEW_IN_PROGRESS."""
        name, kind = request["StackName"], request.get("ChangeSetType", "UPDATE")
        stack = self._stack_for(name, kind)
        body = stack.body if request.get("UsePreviousTemplate") else request.get("TemplateBody", "")
        given = {
            each["ParameterKey"]: (
                stack.parameters[each["ParameterKey"]]
                if each.get("UsePreviousValue")
                else each.get("ParameterValue", "")
            )
            for each in request.get("Parameters", [])
        }
        declaration = declare(read_template(body), given, stack.id, stack.name, self._cloud.region)
        capabilities = request.get("Capabilities", [])
        _check_capabilities(declaration.resources, capabilities)
        found = changes(stack.resources, declaration)
        change_set = ChangeSet(
            id=self._cloud.arn("cloudformation", f"changeSet/{request['ChangeSetName']}/{uuid.uuid4()}"),
            name=request["ChangeSetName"],
            type=kind,
            declaration=declaration,
            body=body,
            parameters=given,
            tags={each["Key"]: each["Value"] for each in request.get("Tags", [])},
            capabilities=capabilities,
            imports=bool(request.get("ImportExistingResources")),
            changes=found,
        )
        if not found and not _outputs_differ(stack, change_set):
            change_set.reason = NO_CHANGES
        if change_set.name in stack.change_sets:
            raise ApiError("AlreadyExistsException", f"ChangeSet {change_set.name} already exists")
        if stack not in self._stacks:
            stack.enter("REVIEW_IN_PROGRESS", "User Initiated")
            self._stacks.append(stack)
        stack.change_sets[change_set.name] = change_set
        return {"Id": change_set.id, "StackId": stack.id}

    def describe_change_set(self, request: Json) -> Json:
        """A change set with its changes."""
        stack, found = self._change_set(request)
        return {
            "ChangeSetName": found.name,
            "ChangeSetId": found.id,
            "StackId": stack.id,
            "StackName": stack.name,
            "Parameters": _parameters(found.parameters),
            "CreationTime": found.created,
            "ExecutionStatus": "UNAVAILABLE" if found.reason else "AVAILABLE",
            "Status": "FAILED" if found.reason else "CREATE_COMPLETE",
            "StatusReason": found.reason or None,
            "Capabilities": found.capabilities,
            "Tags": _tags(found.tags),
            "Changes": [_described(each) for each in found.changes],
        }

    def execute_change_set(self, request: Json) -> Json:
        """Executes a change set. How that ends is the stack's status."""
        stack, found = self._change_set(request)
        if found.reason:
            raise ApiError("InvalidChangeSetStatus", f"ChangeSet [{found.id}] cannot be executed in its current status")
        with self._working:
            stack.change_sets.clear()
            Execution(self._cloud, stack, found).run()
        return {}

    def delete_change_set(self, request: Json) -> Json:
        """Deletes a change set."""
        stack, found = self._change_set(request)
        del stack.change_sets[found.name]
        return {}

    def describe_stacks(self, request: Json) -> Json:
        """One stack, or all that are not deleted."""
        if "StackName" in request:
            return {"Stacks": [_stack(self._find(request["StackName"]))]}
        return {"Stacks": [_stack(each) for each in self._stacks if each.status != "DELETE_COMPLETE"]}

    def describe_stack_events(self, request: Json) -> Json:
        """A stack's events, newest first."""
        return {"StackEvents": self._find(request["StackName"]).events[::-1]}

    def describe_stack_resources(self, request: Json) -> Json:
        """A stack's resources."""
        return {"StackResources": _resources(self._find(request["StackName"]))}

    def list_stack_resources(self, request: Json) -> Json:
        """A stack's resources."""
        found = _resources(self._find(request["StackName"]))
        return {"StackResourceSummaries": [{**each, "LastUpdatedTimestamp": each["Timestamp"]} for each in found]}

    def list_stacks(self, request: Json) -> Json:
        """The stacks in the given statuses, deleted ones as well."""
        wanted = request.get("StackStatusFilter")
        return {"StackSummaries": [_stack(each) for each in self._stacks if not wanted or each.status in wanted]}

    def get_template(self, request: Json) -> Json:
        """A stack's template as it was given."""
        return {"TemplateBody": self._find(request["StackName"]).body}

    def validate_template(self, request: Json) -> Json:
        """The parameters of a template."""
        slots = read_template(request["TemplateBody"]).get("Parameters") or {}
        return {
            "Parameters": [{"ParameterKey": name, "DefaultValue": each.get("Default")} for name, each in slots.items()]
        }

    def delete_stack(self, request: Json) -> Json:
        """Deletes a stack; one that does not exist is no error."""
        for stack in self._stacks:
            if request["StackName"] in (stack.name, stack.id) and stack.status != "DELETE_COMPLETE":
                with self._working:
                    delete_stack(self._cloud, stack)
        return {}

    def _stack_for(self, name: str, kind: str) -> Stack:
        """The stack that a change set is for; a new one if it is to be created."""
        known = [each for each in self._stacks if each.name == name and each.status != "DELETE_COMPLETE"]
        if kind == "CREATE":
            if known and known[0].status != "REVIEW_IN_PROGRESS":
                raise ApiError("ValidationError", f"Stack {name} already exists and cannot be created again.")
            return known[0] if known else Stack(self._cloud.arn("cloudformation", f"stack/{name}/{uuid.uuid4()}"), name)
        if not known:
            raise ApiError("ValidationError", f"Stack [{name}] does not exist")
        if known[0].status not in SETTLED:
            message = f"Stack:{known[0].id} is in {known[0].status} state and can not be updated."
            raise ApiError("ValidationError", message)
        return known[0]

    def _find(self, name: str) -> Stack:
        for stack in self._stacks:
            if name == stack.id or (name == stack.name and stack.status != "DELETE_COMPLETE"):
                return stack
        raise ApiError("ValidationError", f"Stack with id {name} does not exist")

    def _change_set(self, request: Json) -> tuple[Stack, ChangeSet]:
        name = request["ChangeSetName"]
        stacks = [self._find(request["StackName"])] if "StackName" in request else self._stacks
        for stack in stacks:
            for each in stack.change_sets.values():
                if name in (each.name, each.id):
                    return stack, each
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def _check_capabilities(resources: Mapping[str, Json], given: list[str]) -> None:
    named = any(NAMED.get(each["Type"], "") in each.get("Properties", {}) for each in resources.values())
    roles = any(each["Type"] in NAMED for each in resources.values())
    if roles and "CAPABILITY_NAMED_IAM" not in given and (named or "CAPABILITY_IAM" not in given):
        needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
        raise ApiError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def _outputs_differ(stack: Stack, change_set: ChangeSet) -> bool:
    made = {name: each.made for name, each in stack.resources.items()}
    return change_set.declaration.outputs(made) != stack.outputs


def _described(change: Change) -> Json:
    described = {
        "Action": change.action,
        "LogicalResourceId": change.name,
        "ResourceType": change.type,
        "PhysicalResourceId": change.physical_id,
        "Replacement": str(change.replaces) if change.action == "Modify" else None,
    }
    return {"Type": "Resource", "ResourceChange": described}


def _stack(stack: Stack) -> Json:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "Capabilities": stack.capabilities,
        "Parameters": _parameters(stack.parameters),
        "Outputs": [
            {"OutputKey": name, "OutputValue": each["Value"], "Description": each["Description"]}
            for name, each in stack.outputs.items()
        ],
        "Tags": _tags(stack.tags),
    }


def _resources(stack: Stack) -> list[Json]:
    return [
        {
            "StackName": stack.name,
            "StackId": stack.id,
            "LogicalResourceId": name,
            "PhysicalResourceId": each.made.ref,
            "ResourceType": each.type,
            "ResourceStatus": each.status,
            "Timestamp": each.at,
        }
        for name, each in stack.resources.items()
    ]


def _parameters(parameters: Mapping[str, str]) -> list[Json]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


def _tags(tags: Mapping[str, Any]) -> list[Json]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
