"""EventBridge's event patterns.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


class PatternError(ValueError):
    """An invalid pattern, or one that is not supported here."""


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """True if every field in the pattern has one of the allowed values. Raises PatternError.

    >>> created = {"source": "aws.s3", "detail": {"object": {"key": "raw/a.csv", "size": 7}}}
    >>> matches({"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "raw/"}]}}}, created)
    True
    >>> matches({"detail": {"object": {"size": [{"numeric": [">", 0, "<=", 5]}]}}}, created)
    False
    """
    return all(_field_matches(name, rule, event) for name, rule in pattern.items())


def _field_matches(name: str, rule: Any, event: Mapping[str, Any]) -> bool:
    if name == "$or":
        return any(matches(alternative, event) for alternative in rule)
    if isinstance(rule, dict):
        inner = event.get(name)
        return matches(rule, inner if isinstance(inner, dict) else {})
    if not isinstance(rule, list):
        raise PatternError(f"{name!r} must be an object or an array, not {rule!r}")
    if name not in event:
        return {"exists": False} in rule
    # A list matches if one of its values does.
    values = event[name] if isinstance(event[name], list) else [event[name]]
    return any(_allows(allowed, value) for allowed in rule for value in values)


def _allows(allowed: Any, value: Any) -> bool:
    if not isinstance(allowed, dict):
        # True equals 1 in Python, but not in JSON.
        return bool(allowed == value) and isinstance(allowed, bool) == isinstance(value, bool)
    ((operator, operand),) = allowed.items()
    if operator == "exists":
        return bool(operand)
    if operator == "anything-but":
        forbidden = operand if isinstance(operand, list) else [operand]
        return not any(_allows(each, value) for each in forbidden)
    if operator == "numeric":
        return _in_range(operand, value)
    return _text_allows(operator, operand, value)


def _text_allows(operator: str, operand: Any, value: Any) -> bool:
    if operator not in TEXT:
        raise PatternError(f"unknown operator {operator!r}")
    if isinstance(operand, list):
        # Only below anything-but: {"anything-but": {"prefix": ["a", "b"]}}.
        return any(_text_allows(operator, each, value) for each in operand)
    if isinstance(operand, dict):
        # {"prefix": {"equals-ignore-case": "A"}}
        (operand,) = operand.values()
        return isinstance(value, str) and TEXT[operator](value.lower(), operand.lower())
    return isinstance(value, str) and TEXT[operator](value, operand)


def _wildcard(value: str, operand: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, operand.split("*"))), value, re.DOTALL) is not None


TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "wildcard": _wildcard,
    "equals-ignore-case": lambda value, operand: value.lower() == operand.lower(),
}


def _in_range(operand: list[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(COMPARISONS[comparison](value, bound) for comparison, bound in pairs)
