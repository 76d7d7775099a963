"""The service, operation and parameters of an HTTP request, by botocore's service models.

A JSON service names the operation in `X-Amz-Target`, a query service in its form. A REST operation is found by its
method, path, and required query parameters and headers.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, OperationNotFoundError, Shape

from localaws.server.protocol import Json, operation, operations

SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")
# The newest protocol, whose bodies are CBOR.
RPC = re.compile(r"/service/\w+/operation/(\w+)")
# Services whose signing name is not their name in botocore.
MODELS = {"states": "stepfunctions", "monitoring": "cloudwatch", "email": "ses"}
# CloudTrail omits parameters above 100 kB; here a function's zip must not hide the function's name.
MAX_BODY_BYTES = 1 << 20


@dataclass(frozen=True)
class Call:
    """A call: the signing name of its service (`states`), its operation, and its parameters as CloudTrail names them.

    CloudTrail's names are the API's with a lower-case first letter.
    """

    service: str
    region: str
    name: str
    parameters: Json


@dataclass(frozen=True)
class Route:
    """The method, path, query parameters and headers that identify a REST operation."""

    name: str
    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]

    def fits(self, environ: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
        """True if the request has all that the operation requires."""
        return (
            environ["REQUEST_METHOD"] == self.method
            and self.path.fullmatch(_path(environ)) is not None
            and self.query <= query.keys()
            and all(_header(name) in environ for name in self.headers)
        )


def scope_of(environ: Mapping[str, Any]) -> tuple[str, str]:
    """The region and service that the request is signed for; S3 if it is unsigned."""
    signature = environ.get("HTTP_AUTHORIZATION", "") or unquote(environ.get("QUERY_STRING", ""))
    scope = SCOPE.search(signature)
    return (scope[1], scope[2]) if scope else ("us-east-1", "s3")


def read_call(environ: Mapping[str, Any], body: bytes | None) -> Call | None:
    """The call that a request makes; None if no model knows it. `body` is None if it is too long to be recorded."""
    region, service = scope_of(environ)
    model = MODELS.get(service, service)
    try:
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            name = target.rpartition(".")[2]
            return Call(service, region, name, _members(operation(model, name), body))
        if body and "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            name = form.pop("Action", "")
            form.pop("Version", None)
            return Call(service, region, name, {_lower(member): value for member, value in form.items()})
        if remote := RPC.fullmatch(_path(environ)):
            return Call(service, region, remote[1], {})
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        # The operation with more requirements is the more specific one: CopyObject is PutObject with another header.
        fitting = [route for route in routes(model) if route.fits(environ, query)]
        if not fitting:
            return None
        route = max(fitting, key=lambda route: len(route.query) + len(route.headers))
        return Call(service, region, route.name, _rest_members(model, route, environ, body))
    except (UnknownServiceError, OperationNotFoundError, KeyError):
        return None


@cache
def routes(model: str) -> tuple[Route, ...]:
    """The operations of a REST service, without deprecated ones, whose successors have the same path."""
    known = operations(model)
    return tuple(_route(each) for each in known if _is_rest(each) and not each.deprecated)


def _is_rest(known: OperationModel) -> bool:
    return str(known.service_model.protocol).startswith("rest-")


def _route(known: OperationModel) -> Route:
    path, _, literal = known.http["requestUri"].partition("?")
    # {Key+} can contain slashes, and some clients append one to the path.
    pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", re.escape(path))
    shape = known.input_shape
    required = [shape.members[name].serialization for name in shape.required_members] if shape else []
    located = {where: {each["name"] for each in required if each.get("location") == where} for where in LOCATIONS}
    query = located["querystring"] | {each.partition("=")[0] for each in literal.split("&") if each}
    compiled = re.compile(pattern.rstrip("/") + "/?", re.DOTALL)
    return Route(known.name, known.http["method"], compiled, frozenset(query), frozenset(located["header"]))


LOCATIONS = ("querystring", "header")


def _rest_members(model: str, route: Route, environ: Mapping[str, Any], body: bytes | None) -> Json:
    match = route.path.fullmatch(_path(environ))
    labels = match.groupdict() if match else {}
    if model == "s3":
        named = {"Bucket": "bucketName", "Key": "key"}
        return {named.get(label, _lower(label)): value for label, value in labels.items()}
    parameters = {_lower(label): value for label, value in labels.items()}
    known = operation(model, route.name)
    # Otherwise the whole body is one member, for instance the event of Invoke.
    if known.input_shape and "payload" not in known.input_shape.serialization:
        parameters |= _members(known, body)
    return parameters


def _members(known: OperationModel, body: bytes | None) -> Json:
    if body is None:
        # CloudTrail's wording.
        return {"omitted": True, "reason": "requestParameters too large"}
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    parameters = _renamed(given, known.input_shape)
    return parameters if isinstance(parameters, dict) else {}


def _renamed(value: Any, shape: Shape | None) -> Any:
    """A value with CloudTrail's member names, without blobs such as a function's zip."""
    if shape is None:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        shown = {name: inner for name, inner in value.items() if name not in members or not _blob(members[name])}
        return {_lower(name): _renamed(inner, members.get(name)) for name, inner in shown.items()}
    if kind == "list" and isinstance(value, list):
        return [_renamed(inner, shape.member) for inner in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _renamed(inner, shape.value) for name, inner in value.items()}
    return value


def _blob(shape: Shape) -> bool:
    return bool(shape.type_name == "blob")


def _lower(name: str) -> str:
    """The name with a lower-case first letter: `jobName`, and `kMSKeyArn` as in CloudTrail."""
    return name[:1].lower() + name[1:]


def _path(environ: Mapping[str, Any]) -> str:
    # WSGI decodes UTF-8 as Latin-1.
    return str(environ.get("PATH_INFO", "")).encode("latin-1").decode(errors="replace")


def _header(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")
