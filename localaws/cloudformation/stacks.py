"""Execution: creates, changes and deletes the resources of a stack, and rolls back when one of them fails.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from botocore.exceptions import ClientError, ParamValidationError

from localaws.cloudformation.declarations import Declaration
from localaws.cloudformation.kinds import KINDS
from localaws.cloudformation.records import KEPT, ChangeSet, Resource, Stack, now
from localaws.cloudformation.resources import Made, ResourceError
from localaws.server.cloud import Cloud
from localaws.server.protocol import ApiError, Json

T = TypeVar("T")


class Execution:
    """One execution of a change set on its stack."""

    def __init__(self, cloud: Cloud, stack: Stack, change_set: ChangeSet) -> None:
        self._cloud = cloud
        self._stack = stack
        self._change_set = change_set
        self._undo: list[Callable[[], None]] = []
        # Replaced resources, deleted once everything else is done.
        self._obsolete: list[tuple[str, Resource]] = []

    def run(self) -> None:
        """Executes the change set; the stack's status says how it ended."""
        stack, given = self._stack, self._change_set
        verb = "UPDATE" if stack.resources or given.type == "UPDATE" else "CREATE"
        stack.enter(f"{verb}_IN_PROGRESS")
        before = stack.resources
        stack.resources = dict(before)
        try:
            for name, definition in given.declaration.resources.items():
                self._settle(name, definition)
            made = self._made(given.declaration)
            stack.outputs = given.declaration.outputs(made)
        except (ResourceError, ApiError) as error:
            self._roll_back(verb, before, str(error))
            return
        stack.declaration, stack.body = given.declaration, given.body
        stack.parameters, stack.tags, stack.capabilities = given.parameters, given.tags, given.capabilities
        stack.updated = now() if verb == "UPDATE" else None
        self._clean_up(given.declaration)
        stack.enter(f"{verb}_COMPLETE")

    def _made(self, declaration: Declaration) -> dict[str, Made]:
        declared = declaration.resources
        return {name: each.made for name, each in self._stack.resources.items() if name in declared}

    def _settle(self, name: str, definition: Json) -> None:
        """Creates, changes, replaces or leaves one resource."""
        declaration, before = self._change_set.declaration, self._stack.resources.get(name)
        properties = declaration.properties(definition, self._made(declaration))
        kind, policy = KINDS[definition["Type"]], definition.get("DeletionPolicy", "Delete")
        wanted = Resource(
            definition["Type"], Made(""), properties, policy, definition.get("UpdateReplacePolicy", "Delete")
        )
        if before is None:
            self._create(name, wanted)
        elif before.type == wanted.type and before.properties == properties:
            before.deletion_policy, before.replace_policy = policy, wanted.replace_policy
        elif before.type != wanted.type or kind.replaces(before.properties, properties):
            self._obsolete.append((name, before))
            self._create(name, wanted)
        else:
            self._update(name, before, wanted)

    def _create(self, name: str, wanted: Resource) -> None:
        kind, stack = KINDS[wanted.type], self._stack
        stack.record(name, wanted.type, "", "CREATE_IN_PROGRESS")
        found = self._attempt(name, "CREATE", wanted, lambda: kind.existing(self._cloud, wanted.properties))
        if found and not (self._change_set.imports and wanted.deletion_policy in KEPT):
            self._fail(name, "CREATE", wanted, f"{found.ref} already exists")
        if found and kind.update:
            update = kind.update
            made = self._attempt(name, "IMPORT", wanted, lambda: update(self._cloud, found, {}, wanted.properties))
        else:
            made = self._attempt(name, "CREATE", wanted, lambda: kind.create(self._cloud, wanted.properties))
        status = "IMPORT_COMPLETE" if found else "CREATE_COMPLETE"
        created = stack.resources[name] = replace(wanted, made=made, imported=bool(found), status=status)
        stack.record(name, wanted.type, made.ref, status)
        if not found and wanted.deletion_policy != "Retain":
            self._undo.append(lambda: self.delete(name, created))

    def _update(self, name: str, before: Resource, wanted: Resource) -> None:
        kind, stack = KINDS[wanted.type], self._stack
        assert kind.update
        update = kind.update
        stack.record(name, wanted.type, before.made.ref, "UPDATE_IN_PROGRESS")
        self._undo.append(lambda: self._restore(before, wanted))
        made = self._attempt(
            name, "UPDATE", before, lambda: update(self._cloud, before.made, before.properties, wanted.properties)
        )
        stack.resources[name] = replace(wanted, made=made, imported=before.imported, status="UPDATE_COMPLETE")
        stack.record(name, wanted.type, made.ref, "UPDATE_COMPLETE")

    def _restore(self, before: Resource, wanted: Resource) -> None:
        update = KINDS[before.type].update
        assert update
        update(self._cloud, before.made, wanted.properties, before.properties)

    def _roll_back(self, verb: str, before: dict[str, Resource], reason: str) -> None:
        stack = self._stack
        rolling = "ROLLBACK" if verb == "CREATE" else "UPDATE_ROLLBACK"
        stack.enter(f"{rolling}_IN_PROGRESS", reason)
        for undo in reversed(self._undo):
            try:
                undo()
            except (ResourceError, ClientError) as error:
                stack.enter(f"{rolling}_FAILED", str(error))
                return
        stack.resources = before
        stack.enter(f"{rolling}_COMPLETE")

    def _clean_up(self, declaration: Declaration) -> None:
        """Deletes what was replaced or is declared no more; what cannot be deleted is left, as in CloudFormation."""
        declared = declaration.resources
        gone = [(name, each) for name, each in self._stack.resources.items() if name not in declared]
        for name, each in reversed(gone):
            del self._stack.resources[name]
            self._delete_unless(each.deletion_policy, name, each)
        for name, each in reversed(self._obsolete):
            self._delete_unless(each.replace_policy, name, each)
        # In the order of dependencies, for the stack's deletion.
        self._stack.resources = {name: self._stack.resources[name] for name in declared}

    def _delete_unless(self, policy: str, name: str, resource: Resource) -> None:
        if policy in KEPT:
            self._stack.record(name, resource.type, resource.made.ref, "DELETE_SKIPPED")
            return
        try:
            self.delete(name, resource)
        except ResourceError as error:
            self._stack.record(name, resource.type, resource.made.ref, "DELETE_FAILED", str(error))

    def delete(self, name: str, resource: Resource) -> None:
        """Deletes one resource. Raises ResourceError."""
        delete_resource(self._cloud, self._stack, name, resource)

    def _attempt(self, name: str, verb: str, resource: Resource, do: Callable[[], T]) -> T:
        try:
            return do()
        except (ClientError, ParamValidationError, ResourceError) as error:
            self._fail(name, verb, resource, str(error))
            raise AssertionError from error

    def _fail(self, name: str, verb: str, resource: Resource, reason: str) -> None:
        self._stack.record(name, resource.type, resource.made.ref, f"{verb}_FAILED", reason)
        raise ResourceError(f"The following resource(s) failed to {verb.lower()}: [{name}].")


def delete_resource(cloud: Cloud, stack: Stack, name: str, resource: Resource) -> None:
    """Deletes one resource of a stack, with its events. Raises ResourceError."""
    stack.record(name, resource.type, resource.made.ref, "DELETE_IN_PROGRESS")
    try:
        KINDS[resource.type].delete(cloud, resource.made, resource.properties)
    except ClientError as error:
        raise ResourceError(str(error)) from error
    stack.record(name, resource.type, resource.made.ref, "DELETE_COMPLETE")


def delete_stack(cloud: Cloud, stack: Stack) -> None:
    """Deletes the stack's resources, but for those that its template retains."""
    stack.enter("DELETE_IN_PROGRESS")
    for name, each in reversed(stack.resources.items()):
        if each.deletion_policy in KEPT:
            stack.record(name, each.type, each.made.ref, "DELETE_SKIPPED")
            continue
        try:
            delete_resource(cloud, stack, name, each)
        except ResourceError as error:
            stack.record(name, each.type, each.made.ref, "DELETE_FAILED", str(error))
            stack.enter("DELETE_FAILED", f"The following resource(s) failed to delete: [{name}]. ")
            return
        stack.resources = {other: kept for other, kept in stack.resources.items() if other != name}
    stack.resources = {}
    stack.enter("DELETE_COMPLETE")
