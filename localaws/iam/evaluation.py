"""Whether policy documents allow or deny a request, and by which statement.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from localaws.server.protocol import Json


class PolicyError(ValueError):
    """A policy that uses what is not evaluated here."""


@dataclass(frozen=True)
class Request:
    """An action on a resource, with the condition keys that it has; a key with several values has a list."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)
    principal: str = "*"


def decide(policies: Iterable[Json], request: Request) -> tuple[bool | None, Json | None]:
    """True if a statement allows the request, False if one denies it, None if none applies; and that statement.

    Raises:
        PolicyError: a statement has a condition operator that is not evaluated here.
    """
    allowed: Json | None = None
    for statement in statements(policies):
        if applies(statement, request):
            if statement["Effect"] == "Deny":
                return False, statement
            allowed = allowed or statement
    return (True, allowed) if allowed else (None, None)


def statements(policies: Iterable[Json]) -> Iterator[Json]:
    """The statements of the policies."""
    for policy in policies:
        yield from _listed(policy["Statement"])


def applies(statement: Json, request: Request) -> bool:
    """True if the statement is about the request."""
    return (
        _principal_matches(statement, request.principal)
        and _named(statement, "Action", request.action, re.IGNORECASE)
        and _named(statement, "Resource", request.resource)
        and all(
            _condition_holds(operator, key, _listed(wanted), request.context)
            for operator, keys in (statement.get("Condition") or {}).items()
            for key, wanted in keys.items()
        )
    )


def _principal_matches(statement: Json, principal: str) -> bool:
    given = statement.get("Principal")
    # A role's own policies name no principal.
    if given is None or given == "*":
        return True
    return any(each in ("*", principal) for kind in given.values() for each in _listed(kind))


def _named(statement: Json, member: str, value: str, flags: int = 0) -> bool:
    if f"Not{member}" in statement:
        return not any(_like(each, value, flags) for each in _listed(statement[f"Not{member}"]))
    return any(_like(each, value, flags) for each in _listed(statement[member]))


def _condition_holds(operator: str, key: str, wanted: list[Any], context: Mapping[str, Any]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    known = {each.lower(): value for each, value in context.items()}
    given = known.get(key.lower())
    if name == "Null":
        return all((given is None) == (str(each).lower() == "true") for each in wanted)
    if name not in _OPERATORS:
        raise PolicyError(f"the condition operator {operator!r} is not evaluated here")
    negated, test = _OPERATORS[name]
    if given is None:
        return optional or negated or quantifier == "ForAllValues"
    values = [str(each) for each in _listed(given)]
    held = [any(test(str(each), value) for each in wanted) != negated for value in values]
    return all(held) if quantifier != "ForAnyValue" else any(held)


def _like(pattern: str, value: str, flags: int = 0) -> bool:
    return bool(_compiled(pattern, flags).fullmatch(value))


@cache
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(each, re.escape(each)) for each in pattern), flags | re.DOTALL)


# By operator: whether it is a negation, and the comparison of a policy's value with a request's.
_OPERATORS: dict[str, tuple[bool, Callable[[str, str], bool]]] = {
    "StringEquals": (False, lambda wanted, value: wanted == value),
    "StringNotEquals": (True, lambda wanted, value: wanted == value),
    "StringEqualsIgnoreCase": (False, lambda wanted, value: wanted.lower() == value.lower()),
    "StringLike": (False, _like),
    "StringNotLike": (True, _like),
    "ArnEquals": (False, _like),
    "ArnLike": (False, _like),
    "ArnNotLike": (True, _like),
    "Bool": (False, lambda wanted, value: wanted.lower() == value.lower()),
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
