"""A template with its parameters' values: the resources that it declares, in the order of their dependencies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localaws.cloudformation.intrinsics import Scope, Unknown, references, resolve
from localaws.cloudformation.kinds import KINDS
from localaws.cloudformation.resources import Kind, Made
from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import ApiError, Json


@dataclass(frozen=True)
class Declaration:
    """A template and the values of its parameters, pseudo parameters included."""

    template: Json
    values: Json

    @property
    def resources(self) -> dict[str, Json]:
        """The definitions of the resources whose condition holds, each after those that it depends on."""
        scope = self.scope({})
        all_of_them: Json = self.template["Resources"]
        chosen = {
            name: each
            for name, each in all_of_them.items()
            if "Condition" not in each or scope.holds(each["Condition"])
        }
        graph = {name: self._dependencies(each) & chosen.keys() for name, each in chosen.items()}
        try:
            return {name: chosen[name] for name in TopologicalSorter(graph).static_order()}
        except CycleError as error:
            raise ApiError("ValidationError", f"Circular dependency between resources: {error.args[1]}") from None

    def scope(self, resources: Mapping[str, Made | Unknown]) -> Scope:
        """What the template's functions see once these resources exist."""
        return Scope(self.values, self.template.get("Conditions") or {}, self.template.get("Mappings") or {}, resources)

    def properties(self, definition: Json, resources: Mapping[str, Made | Unknown]) -> Json:
        """A resource's properties, with their functions computed."""
        resolved: Json = resolve(definition.get("Properties") or {}, self.scope(resources))
        return resolved

    def outputs(self, resources: Mapping[str, Made | Unknown]) -> dict[str, Json]:
        """The outputs by name, each with its Value and its Description."""
        scope, found = self.scope(resources), {}
        for name, each in (self.template.get("Outputs") or {}).items():
            if "Condition" not in each or scope.holds(each["Condition"]):
                found[name] = {"Value": str(resolve(each["Value"], scope)), "Description": each.get("Description", "")}
        return found

    def check(self) -> None:
        """Refuses types and properties that local AWS does not have. Raises ApiError."""
        wrong = sorted(
            problem
            for name, each in self.resources.items()
            for problem in _problems(name, each, KINDS.get(each["Type"]))
        )
        if wrong:
            raise ApiError("ValidationError", f"Template error: local AWS has no {', no '.join(wrong)}")

    def _dependencies(self, definition: Json) -> set[str]:
        after = definition.get("DependsOn") or []
        return {*references(definition.get("Properties")), *([after] if isinstance(after, str) else after)}


def declare(template: Json, given: Mapping[str, Any], stack_id: str, stack_name: str, region: str) -> Declaration:
    """The declaration of a stack. Raises ApiError for parameters that are missing, unknown or not allowed."""
    slots: Json = template.get("Parameters") or {}
    if unknown := sorted(given.keys() - slots.keys()):
        raise ApiError("ValidationError", f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := sorted(name for name, slot in slots.items() if name not in given and "Default" not in slot):
        raise ApiError("ValidationError", f"Parameters: [{', '.join(missing)}] must have values")
    pseudo = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    values = {name: _value(name, slot, str(given.get(name, slot.get("Default")))) for name, slot in slots.items()}
    declaration = Declaration(template, pseudo | values)
    declaration.check()
    return declaration


def _value(name: str, slot: Json, text: str) -> Any:
    allowed = slot.get("AllowedValues")
    if allowed and text not in map(str, allowed):
        options = ", ".join(map(str, allowed))
        raise ApiError("ValidationError", f"Parameter '{name}' must be one of AllowedValues [{options}], not '{text}'")
    pattern = slot.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, text):
        raise ApiError("ValidationError", f"Parameter '{name}' must match pattern {pattern}, unlike '{text}'")
    is_list = slot["Type"] == "CommaDelimitedList" or slot["Type"].startswith("List<")
    return [each.strip() for each in text.split(",") if each.strip()] if is_list else text


def _problems(name: str, definition: Json, kind: Kind | None) -> list[str]:
    if kind is None:
        return [f"{definition['Type']} ({name})"]
    unknown = sorted((definition.get("Properties") or {}).keys() - kind.properties)
    return [f"property {each} of {definition['Type']} ({name})" for each in unknown]
