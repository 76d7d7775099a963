"""Lambda's Invoke as HTTP: a path instead of an `X-Amz-Target`, headers instead of members."""

import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from localaws.wire import ApiError

if TYPE_CHECKING:
    from localaws.functions import Functions

INVOKE = re.compile(r"/2015-03-31/functions/(.+)/invocations/?")
# Status, body, headers.
Answer = tuple[str, bytes, Mapping[str, str]]
_log = logging.getLogger(__name__)


def invoked(environ: Mapping[str, Any]) -> str | None:
    """The function that a request invokes. The signature tells it from an S3 key that looks like the path."""
    match = INVOKE.fullmatch(environ.get("PATH_INFO", ""))
    ours = match and environ["REQUEST_METHOD"] == "POST" and "/lambda/" in environ.get("HTTP_AUTHORIZATION", "")
    return match[1] if match and ours else None


def answer_invoke(functions: "Functions", name: str, environ: Mapping[str, Any]) -> Answer:
    """Run it, or for an Event promise to."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    qualifier = parse_qs(environ.get("QUERY_STRING", "")).get("Qualifier", [None])[0]
    kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
    try:
        functions.exists(name, qualifier)
        if kind == "DryRun":
            return "204 No Content", b"", {}
        if kind == "Event":
            functions.later(name, body)
            return "202 Accepted", b"", {}
        reply = functions.invoke(name, body, qualifier)
    except ApiError as error:
        told = {"Type": "User" if error.status < 500 else "Service", "message": error.message}
        return f"{error.status} Error", json.dumps(told).encode(), {"x-amzn-ErrorType": error.code}
    except Exception as error:
        _log.exception("Invoke %s", name)
        told = {"Type": "Service", "message": f"{type(error).__name__}: {error}"}
        return "500 Error", json.dumps(told).encode(), {"x-amzn-ErrorType": "ServiceException"}
    headers = dict(reply.headers)
    if environ.get("HTTP_X_AMZ_LOG_TYPE") != "Tail":
        del headers["X-Amz-Log-Result"]
    return "200 OK", reply.payload, headers | {"Content-Type": "application/json"}
