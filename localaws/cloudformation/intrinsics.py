"""The functions of templates: Ref, Fn::GetAtt, Fn::Sub and the like, and conditions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localaws.cloudformation.resources import Made
from localaws.server.protocol import ApiError, Json

PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")
NO_VALUE = object()


class Unknown:
    """A value that a resource has only once it is created; it equals nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Scope:
    """What a template's functions see: parameters with pseudo parameters, conditions, mappings, created resources."""

    parameters: Mapping[str, Any]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    resources: Mapping[str, Made | Unknown]

    def value(self, name: str) -> Any:
        """What `!Ref name` gives."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        made = self._resource(name)
        return made if isinstance(made, Unknown) else made.ref

    def attribute(self, name: str, attribute: str) -> Any:
        """What `!GetAtt name.attribute` gives."""
        made = self._resource(name)
        if isinstance(made, Unknown):
            return made
        if attribute not in made.attributes:
            raise _error(f"Requested attribute {attribute} does not exist in {name}")
        return made.attributes[attribute]

    def holds(self, condition: Any) -> bool:
        """The value of a condition, by its name or its expression."""
        if isinstance(condition, str):
            if condition not in self.conditions:
                raise _error(f"Unresolved condition dependency {condition}")
            return self.holds(self.conditions[condition])
        ((name, given),) = condition.items()
        match name:
            case "Condition":
                return self.holds(given)
            case "Fn::Equals":
                left, right = (str(resolve(each, self)) for each in given)
                return left == right
            case "Fn::Not":
                return not self.holds(given[0])
            case "Fn::And":
                return all(self.holds(each) for each in given)
            case "Fn::Or":
                return any(self.holds(each) for each in given)
        raise _error(f"{name} is no function of conditions")

    def _resource(self, name: str) -> Made | Unknown:
        if name not in self.resources:
            raise _error(f"Unresolved resource dependencies [{name}] in the template")
        return self.resources[name]


def resolve(value: Any, scope: Scope) -> Any:
    """A template's value with its functions computed."""
    if isinstance(value, list):
        return [each for given in value if (each := resolve(given, scope)) is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, given),) = value.items()
        if name == "Ref":
            return scope.value(given)
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](given, scope)
        if name.startswith("Fn::"):
            raise _error(f"local AWS has no {name}")
    found = ((name, resolve(given, scope)) for name, given in value.items())
    return {name: each for name, each in found if each is not NO_VALUE}


def references(value: Any) -> Iterator[str]:
    """The names of parameters and resources that a value refers to."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, dict):
        for name, given in value.items():
            if name == "Ref":
                yield given
            elif name == "Fn::GetAtt":
                yield given.split(".")[0] if isinstance(given, str) else given[0]
            elif name == "Fn::Sub":
                text, own = (given, {}) if isinstance(given, str) else given
                yield from (each.split(".")[0] for literal, each in PLACEHOLDER.findall(text) if not literal)
                yield from references(own)
            else:
                yield from references(given)


def _get_att(given: Any, scope: Scope) -> Any:
    name, attribute = given.split(".", 1) if isinstance(given, str) else given
    return scope.attribute(name, attribute)


def _sub(given: Any, scope: Scope) -> Any:
    text, own = (given, {}) if isinstance(given, str) else given
    values: Json = {name: resolve(each, scope) for name, each in own.items()}
    for literal, name in PLACEHOLDER.findall(text):
        if not literal and name not in values:
            resource, _, attribute = name.partition(".")
            values[name] = scope.attribute(resource, attribute) if attribute else scope.value(name)
    if any(isinstance(each, Unknown) for each in values.values()):
        return Unknown()
    return PLACEHOLDER.sub(lambda each: f"${{{each[2]}}}" if each[1] else str(values[each[2]]), text)


def _join(given: Any, scope: Scope) -> Any:
    parts = resolve(given[1], scope)
    return Unknown() if any(isinstance(each, Unknown) for each in parts) else given[0].join(map(str, parts))


def _if(given: Any, scope: Scope) -> Any:
    return resolve(given[1] if scope.holds(given[0]) else given[2], scope)


def _select(given: Any, scope: Scope) -> Any:
    chosen = resolve(given[1], scope)
    return chosen if isinstance(chosen, Unknown) else chosen[int(given[0])]


def _split(given: Any, scope: Scope) -> Any:
    text = resolve(given[1], scope)
    return text if isinstance(text, Unknown) else text.split(given[0])


def _find_in_map(given: Any, scope: Scope) -> Any:
    name, first, second = (resolve(each, scope) for each in given)
    try:
        return scope.mappings[name][first][second]
    except KeyError:
        raise _error(f"Unable to get mapping for {name}::{first}::{second}") from None


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::If": _if,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find_in_map,
}


def _error(message: str) -> ApiError:
    return ApiError("ValidationError", f"Template error: {message}")
