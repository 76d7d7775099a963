"""Which operation of which service an HTTP request calls, and with what members: botocore's models know.

A JSON service names the operation in `X-Amz-Target`, a query service in its form. For a REST service it is the
operation of the model whose method, path and required query and headers the request has.
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
# Where botocore calls a service by another name than its signature does.
MODELS = {"states": "stepfunctions", "monitoring": "cloudwatch", "email": "ses"}
# CloudTrail leaves out what is longer than 100 kB; but a function's zip must not hide the function's name.
GREATEST_BODY_BYTES = 1 << 20


@dataclass(frozen=True)
class Call:
    """A call: `service` is the name that signs (`states`), `name` the operation's, `parameters` as CloudTrail has them.

    That is: as the API names them, but for the first letter.
    """

    service: str
    region: str
    name: str
    parameters: Json


@dataclass(frozen=True)
class Route:
    """How a REST operation is told from the others of its service."""

    name: str
    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]

    def fits(self, environ: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
        """Whether the request has all that the operation requires."""
        return (
            environ["REQUEST_METHOD"] == self.method
            and self.path.fullmatch(_path(environ)) is not None
            and self.query <= query.keys()
            and all(_header(name) in environ for name in self.headers)
        )


def scope_of(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Region and service that the request is signed for; what nobody signed is S3's."""
    signature = environ.get("HTTP_AUTHORIZATION", "") or unquote(environ.get("QUERY_STRING", ""))
    scope = SCOPE.search(signature)
    return (scope[1], scope[2]) if scope else ("us-east-1", "s3")


def read_call(environ: Mapping[str, Any], body: bytes | None) -> Call | None:
    """The call that a request is, given its body unless that is too long or nobody's business.

    None where no model knows it.
    """
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
        # An operation that requires more is the more special one: CopyObject is a PutObject with a header more.
        fitting = [route for route in routes(model) if route.fits(environ, query)]
        if not fitting:
            return None
        route = max(fitting, key=lambda route: len(route.query) + len(route.headers))
        return Call(service, region, route.name, _rest_members(model, route, environ, body))
    except (UnknownServiceError, OperationNotFoundError, KeyError):
        return None


@cache
def routes(model: str) -> tuple[Route, ...]:
    """The operations of a REST service. Deprecated ones have successors of the same path."""
    known = operations(model)
    return tuple(_route(each) for each in known if _is_rest(each) and not each.deprecated)


def _is_rest(known: OperationModel) -> bool:
    return str(known.service_model.protocol).startswith("rest-")


def _route(known: OperationModel) -> Route:
    path, _, literal = known.http["requestUri"].partition("?")
    # {Key+} may hold slashes; and some clients end a path with one.
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
    told = {_lower(label): value for label, value in labels.items()}
    known = operation(model, route.name)
    # Otherwise the body is not a list of members but one of them, for instance the event of Invoke.
    if known.input_shape and "payload" not in known.input_shape.serialization:
        told |= _members(known, body)
    return told


def _members(known: OperationModel, body: bytes | None) -> Json:
    if body is None:
        # As CloudTrail says it.
        return {"omitted": True, "reason": "requestParameters too large"}
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    told = _told(given, known.input_shape)
    return told if isinstance(told, dict) else {}


def _told(value: Any, shape: Shape | None) -> Any:
    """A value with its members as CloudTrail names them, without blobs such as a function's zip."""
    if shape is None:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        shown = {name: inner for name, inner in value.items() if name not in members or not _blob(members[name])}
        return {_lower(name): _told(inner, members.get(name)) for name, inner in shown.items()}
    if kind == "list" and isinstance(value, list):
        return [_told(inner, shape.member) for inner in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _told(inner, shape.value) for name, inner in value.items()}
    return value


def _blob(shape: Shape) -> bool:
    return bool(shape.type_name == "blob")


def _lower(name: str) -> str:
    """The first letter alone: JobName, but `KMSKeyArn` is kMSKeyArn in CloudTrail too."""
    return name[:1].lower() + name[1:]


def _path(environ: Mapping[str, Any]) -> str:
    # WSGI hands over UTF-8 as if it were Latin-1.
    return str(environ.get("PATH_INFO", "")).encode("latin-1").decode(errors="replace")


def _header(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")
