"""The operations that local AWS answers itself, in front of moto."""

import logging
import uuid
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from localaws.cloudformation.query import answer_query
from localaws.lambdas.invoke import Answer, answer_invoke, invoked
from localaws.server.calls import scope_of
from localaws.server.protocol import SERVICES, ApiError, Handler, Json, answer, read

if TYPE_CHECKING:
    from localaws.cloudformation.operations import Stacks
    from localaws.lambdas.functions import Functions
    from localaws.lambdas.queue import FunctionQueue

JSON = {"Content-Type": "application/x-amz-json-1.1"}
StartResponse = Callable[..., Any]
_log = logging.getLogger(__name__)


class TakeOver:
    """WSGI: answers the operations that are taken over, by their `X-Amz-Target`, and Lambda's Invoke, by its path.

    CloudFormation's operations are found by the service in the signature. All other requests go to the application.
    """

    # Set before the first request.
    functions: "Functions"
    queue: "FunctionQueue"
    stacks: "Stacks"

    def __init__(self, application: Any, handlers: dict[str, Handler]) -> None:
        self._application = application
        self._handlers = handlers

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        reply = None
        if handler := self._handlers.get(target):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            reply = _reply(target, handler, body)
        elif name := invoked(environ):
            reply = answer_invoke(self.functions, self.queue, name, environ)
        elif scope_of(environ)[1] == "cloudformation":
            length = int(environ.get("CONTENT_LENGTH") or 0)
            reply = answer_query("cloudformation", self.stacks.operations, environ["wsgi.input"].read(length))
        if reply is None:
            passed: Iterable[bytes] = self._application(environ, start_response)
            return passed
        status, content, headers = reply
        sent = {"x-amzn-RequestId": str(uuid.uuid4()), **headers, "Content-Length": str(len(content))}
        start_response(status, list(sent.items()))
        return [content]


def _reply(target: str, handler: Handler, body: bytes) -> Answer | None:
    prefix, _, name = target.partition(".")
    service = SERVICES[prefix]
    try:
        result = handler(read(service, name, body))
        return None if result is None else ("200 OK", answer(service, name, result), JSON)
    except ApiError as error:
        return f"{error.status} Error", error.body(), JSON
    except Exception as error:
        _log.exception("%s", target)
        return "500 Error", ApiError("InternalFailure", f"{type(error).__name__}: {error}").body(), JSON


def refuse(_: Json) -> Json:
    """The handler of every operation while local AWS is shutting down."""
    raise ApiError("ServiceUnavailable", "local AWS is shutting down", 503)
