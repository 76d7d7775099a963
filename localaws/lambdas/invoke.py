"""Lambda's Invoke as HTTP: a path instead of an `X-Amz-Target`, headers instead of members."""

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
    """The function that a request invokes. The signature tells it from an S3 key that looks like the path."""
    match = INVOKE.fullmatch(environ.get("PATH_INFO", ""))
    ours = match and environ["REQUEST_METHOD"] == "POST" and "/lambda/" in environ.get("HTTP_AUTHORIZATION", "")
    return match[1] if match and ours else None


def answer_invoke(functions: "Functions", queue: "FunctionQueue", name: str, environ: Mapping[str, Any]) -> Answer:
    """Run it, or for an Event promise to."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    qualifier = parse_qs(environ.get("QUERY_STRING", "")).get("Qualifier", [None])[0]
    kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
    # The same that the function finds in its context, and a destination in its record.
    request_id = str(uuid.uuid4())
    told = {"x-amzn-RequestId": request_id}
    try:
        functions.check(name, body, qualifier)
        if kind == "DryRun":
            return "204 No Content", b"", told
        if kind == "Event":
            queue.put(name, body, qualifier, request_id)
            return "202 Accepted", b"", told
        reply = functions.invoke(name, body, qualifier, request_id)
    except ApiError as error:
        return f"{error.status} Error", _refusal(error), told | {"x-amzn-ErrorType": error.code}
    except Exception as error:
        _log.exception("Invoke %s", name)
        failure = ApiError("ServiceException", f"{type(error).__name__}: {error}", 500)
        return "500 Error", _refusal(failure), told | {"x-amzn-ErrorType": failure.code}
    headers = dict(reply.headers)
    if environ.get("HTTP_X_AMZ_LOG_TYPE") != "Tail":
        del headers["X-Amz-Log-Result"]
    return "200 OK", reply.payload, told | headers | {"Content-Type": "application/json"}


def _refusal(error: ApiError) -> bytes:
    told = {"Type": "User" if error.status < 500 else "Service", "message": error.message}
    # Why a call was throttled.
    reason = getattr(error, "reason", None)
    return json.dumps(told | ({"Reason": reason} if reason else {})).encode()
