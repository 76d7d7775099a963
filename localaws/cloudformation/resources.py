"""What a resource type needs to be part of a stack, and the registry of those that local AWS has.

A type creates its resource by the calls that CloudFormation itself makes, so that whoever asks the service's API sees
what the template declares. A property that a type does not have here is refused: nothing is left out silently.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localaws.server.cloud import Cloud
from localaws.server.protocol import Json


@dataclass(frozen=True)
class Made:
    """A resource as created: what `!Ref` gives, and what `!GetAtt` gives by attribute."""

    ref: str
    attributes: Json = field(default_factory=dict)


class ResourceError(Exception):
    """A resource that cannot be created, changed or deleted; the message is the event's reason."""


Find = Callable[[Cloud, Json], Made | None]
Create = Callable[[Cloud, Json], Made]
Update = Callable[[Cloud, Made, Json, Json], Made]
Delete = Callable[[Cloud, Made, Json], None]


@dataclass(frozen=True)
class Kind:
    """A resource type.

    Attributes:
        properties: the properties that it has here; all others are refused.
        create: creates the resource with these properties.
        delete: deletes it, given its properties; one that is gone already is no error.
        update: changes it, given the properties of before and now; None where every change replaces it.
        replaced_by: the properties whose change replaces it.
        find: the resource that has the custom name in these properties, if there is one.
    """

    properties: frozenset[str]
    create: Create
    delete: Delete
    update: Update | None = None
    replaced_by: frozenset[str] = frozenset()
    find: Find | None = None

    def replaces(self, before: Json, now: Json) -> bool:
        """True if a change of the properties needs a new resource."""
        return self.update is None or any(before.get(name) != now.get(name) for name in self.replaced_by)

    def existing(self, cloud: Cloud, properties: Json) -> Made | None:
        """The resource that has the custom name in these properties, if there is one."""
        return self.find(cloud, properties) if self.find else None


def names(text: str) -> frozenset[str]:
    """The names in a text, separated by spaces."""
    return frozenset(text.split())


def picked(properties: Json, *wanted: str, **renamed: str) -> Json:
    """The given properties of these names; `Api="Template"` renames the template's property to the API's."""
    found = {name: properties[name] for name in wanted if name in properties}
    return found | {api: properties[name] for api, name in renamed.items() if name in properties}


def tags(properties: Json, name: str = "Tags") -> Json:
    """The tags as a dictionary, whichever form the type has for them."""
    given: Any = properties.get(name) or {}
    return dict(given) if isinstance(given, dict) else {each["Key"]: each["Value"] for each in given}
