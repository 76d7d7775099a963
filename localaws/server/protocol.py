"""AWS's JSON protocol: requests, answers and errors, validated by botocore's service models.

Errors raised here, all answered as `{"__type": code, "message": ...}`:

    ApiError
        a code that boto3 turns into `client.exceptions.<code>`, or into a ClientError where it has no class
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

# The `X-Amz-Target` prefix of each service that localaws takes over, and what it calls bad input.
SERVICES = {"AWSGlue": "glue", "SageMaker": "sagemaker", "AWSStepFunctions": "stepfunctions"}
INVALID = {
    "glue": "InvalidInputException",
    "sagemaker": "ValidationException",
    "stepfunctions": "ValidationException",
}

Json = dict[str, Any]
# An operation that is taken over: returns its result, or None to let moto answer.
Handler = Callable[[Json], Json | None]


@dataclass
class ApiError(Exception):
    """An AWS error; `status` is the HTTP status."""

    code: str
    message: str
    status: int = 400

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def body(self) -> bytes:
        """The response body."""
        return json.dumps({"__type": self.code, "message": self.message}).encode()


def invalid(service: str, message: str) -> ApiError:
    """The service's error for invalid input."""
    return ApiError(INVALID[service], message)


@cache
def operation(service: str, name: str) -> OperationModel:
    """The operation's model, for instance `operation("glue", "StartJobRun")`."""
    return _service_model(service).operation_model(name)


def operations(service: str) -> Iterator[OperationModel]:
    """Every operation of a service."""
    return (operation(service, name) for name in _service_model(service).operation_names)


@cache
def _service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def read(service: str, name: str, body: bytes) -> Json:
    """The request of an operation, valid by the service's model.

    Raises ApiError (the service's own code for invalid input) with botocore's message for unknown and missing
    members and wrong types, and with AWS's message for lengths, patterns and enumerations.
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"the request is not JSON: {error}") from error
    shape = operation(service, name).input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise invalid(service, f"Parameter validation failed:\n{report.generate_report()}")
    violations = list(_violations(request, shape, ""))
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected: "
        raise invalid(service, count + "; ".join(violations))
    valid: Json = request
    return valid


def _violations(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """The constraints that botocore does not check: patterns, maximum lengths and values, enumerations."""
    if shape.type_name == "structure":
        for member, inner in value.items():
            # AWS's messages have lower-case first letters: 'trainingJobName'.
            named = member[0].lower() + member[1:]
            yield from _violations(inner, shape.members[member], f"{where}.{named}" if where else named)
    elif shape.type_name == "list":
        yield from _beyond(len(value), shape, where, value)
        for index, inner in enumerate(value, start=1):
            yield from _violations(inner, shape.member, f"{where}.{index}.member")
    elif shape.type_name == "map":
        yield from _beyond(len(value), shape, where, value)
        for key, inner in value.items():
            yield from _violations(key, shape.key, f"{where}.key")
            yield from _violations(inner, shape.value, f"{where}.{key}")
    elif shape.type_name == "string":
        yield from _beyond(len(value), shape, where, value)
        yield from _text_violations(value, shape, where)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _beyond(value, shape, where, value)


def _beyond(size: float, shape: Shape, where: str, value: Any) -> Iterator[str]:
    greatest = shape.metadata.get("max")
    if greatest is not None and size > greatest:
        measure = "value" if size is value else "length"
        yield _violation(value, where, f"have {measure} less than or equal to {greatest}")


def _text_violations(value: str, shape: Shape, where: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    compiled = _pattern(pattern) if pattern else None
    if compiled and not compiled.fullmatch(value):
        yield _violation(value, where, f"satisfy regular expression pattern: {pattern}")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _violation(value, where, f"satisfy enum value set: [{', '.join(allowed)}]")


def _violation(value: Any, where: str, rule: str) -> str:
    return f"Value '{value}' at '{where}' failed to satisfy constraint: Member must {rule}"


@cache
def _pattern(pattern: str) -> re.Pattern[str] | None:
    # The models' patterns are Java's; those that Python cannot compile (surrogate pairs) allow any text.
    try:
        return re.compile(pattern)
    except (re.error, Warning):
        return None


def answer(service: str, name: str, result: Mapping[str, Any]) -> bytes:
    """The response body: the members of the operation's output shape, timestamps as seconds since 1970."""
    shape = operation(service, name).output_shape
    return json.dumps(shaped(result, shape) if shape else {}).encode()


def shaped(value: Any, shape: Shape) -> Any:
    """`value` without unknown members and without None."""
    if shape.type_name == "structure":
        known = ((member, value.get(member)) for member in shape.members)
        return {member: shaped(inner, shape.members[member]) for member, inner in known if inner is not None}
    if shape.type_name == "list":
        return [shaped(inner, shape.member) for inner in value]
    if shape.type_name == "map":
        return {key: shaped(inner, shape.value) for key, inner in value.items()}
    if isinstance(value, datetime):
        return value.timestamp()
    return value
