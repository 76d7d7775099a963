"""The difference between a stack's resources and a declaration."""

from collections.abc import Mapping
from dataclasses import dataclass

from localaws.cloudformation.declarations import Declaration
from localaws.cloudformation.intrinsics import Unknown
from localaws.cloudformation.kinds import KINDS
from localaws.cloudformation.records import Resource
from localaws.cloudformation.resources import Made


@dataclass(frozen=True)
class Change:
    """What a change set does to a resource: Add, Modify or Remove; `replaces` if a new resource takes its place."""

    action: str
    name: str
    type: str
    physical_id: str | None = None
    replaces: bool = False


def changes(before: Mapping[str, Resource], declaration: Declaration) -> list[Change]:
    """The changes, in the order in which they are made: removals come last."""
    known: dict[str, Made | Unknown] = {}
    found: list[Change] = []
    for name, definition in declaration.resources.items():
        change = _change(name, before.get(name), definition["Type"], declaration.properties(definition, known))
        known[name] = before[name].made if name in before and not (change and change.replaces) else Unknown()
        if change:
            found.append(change)
    gone = [name for name in reversed(list(before)) if name not in known]
    return found + [Change("Remove", name, before[name].type, before[name].made.ref) for name in gone]


def _change(name: str, resource: Resource | None, type_name: str, properties: dict[str, object]) -> Change | None:
    if resource is None:
        return Change("Add", name, type_name)
    if resource.type == type_name and resource.properties == properties:
        return None
    replaces = resource.type != type_name or KINDS[type_name].replaces(resource.properties, properties)
    return Change("Modify", name, type_name, resource.made.ref, replaces)
