"""The HTTP interface of Lambda's Invoke: a path instead of an `X-Amz-Target`, headers instead of members."""

import json
import logging
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from localaws.server.protocol import ApiError

if TYPE_CHECKING:
    from localaws.lambdas.functions import Functions
    from localaws.lambdas.queue import FunctionQueue

INVOKE = re.compile(r"/2015-03-31/functions/(.+)/invocations/?")
# Status, body, headers.
Answer = tuple[str, bytes, Mapping[str, str]]
_log = logging.getLogger(__name__)


def invoked(environ: Mapping[str, Any]) -> str | None:
    """The function that a request invokes, or None. The signature excludes S3 keys that look like the path."""
    match = INVOKE.fullmatch(environ.get("PATH_INFO", ""))
    ours = match and environ["REQUEST_METHOD"] == "POST" and "/lambda/" in environ.get("HTTP_AUTHORIZATION", "")
    return match[1] if match and ours else None


def answer_invoke(functions: "Functions", queue: "FunctionQueue", name: str, environ: Mapping[str, Any]) -> Answer:
    """Run the function, or queue an Event for it."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    qualifier = parse_qs(environ.get("QUERY_STRING", "")).get("Qualifier", [None])[0]
    kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
    # The id in the function's context, and in the record of a destination.
    request_id = str(uuid.uuid4())
    identified = {"x-amzn-RequestId": request_id}
    try:
        functions.check(name, body, qualifier)
        if kind == "DryRun":
            return "204 No Content", b"", identified
        if kind == "Event":
            queue.put(name, body, qualifier, request_id)
            return "202 Accepted", b"", identified
        reply = functions.invoke(name, body, qualifier, request_id)
    except ApiError as error:
        return f"{error.status} Error", _refusal(error), identified | {"x-amzn-ErrorType": error.code}
    except Exception as error:
        _log.exception("Invoke %s", name)
        failure = ApiError("ServiceException", f"{type(error).__name__}: {error}", 500)
        return "500 Error", _refusal(failure), identified | {"x-amzn-ErrorType": failure.code}
    headers = dict(reply.headers)
    if environ.get("HTTP_X_AMZ_LOG_TYPE") != "Tail":
        del headers["X-Amz-Log-Result"]
    return "200 OK", reply.payload, identified | headers | {"Content-Type": "application/json"}


def _refusal(error: ApiError) -> bytes:
    document = {"Type": "User" if error.status < 500 else "Service", "message": error.message}
    # The reason for throttling.
    reason = getattr(error, "reason", None)
    return json.dumps(document | ({"Reason": reason} if reason else {})).encode()
