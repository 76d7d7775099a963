"""Access control: only programs that have the credentials are answered, and no web page.

Local AWS runs the code that it is given: any request that it accepts is a command on this machine. A browser sends
requests for every page that is open in it, also to loopback. They are refused by the headers that browsers set and by
the host name that they use. Other users of the machine do not have the credentials.
"""

import hmac
import json
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from localaws.server.credentials import Credentials
from localaws.server.signature import content_length, has_old_signature, is_valid, read_signature

# Answered without credentials, for health checks.
HEALTH_PATH = "/_localaws/health"
# moto's own interface, which can delete everything, and EC2's, which gives out credentials.
CLOSED_PATHS = ("/moto-api", "/latest/meta-data", "/latest/api", "/favicon.ico")
# A client that is still sending when the connection is closed does not see the answer.
MAX_DISCARDED_BYTES = 1 << 20
PORT = re.compile(r":\d+$")
FORBIDDEN = "403 Forbidden"
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_HOW_TO_SIGN = (
    "Missing Authentication Token: local AWS accepts requests that are signed with its own credentials "
    "(Signature Version 4). They are in the file credentials of its state folder."
)
_OLD_SIGNATURE = (
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256 "
    "(Signature Version 4), in boto3: Config(signature_version='s3v4')."
)
_WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)
# The same errors in S3, and in services with JSON protocols.
_S3_CODES = {"MissingAuthenticationToken": "AccessDenied", "InvalidClientTokenId": "InvalidAccessKeyId"}
_S3_MESSAGES = {"InvalidClientTokenId": "The AWS Access Key Id you provided does not exist in our records."}
_JSON_CODES = {
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "AccessDenied": "AccessDeniedException",
    "InvalidRequest": "InvalidRequestException",
}
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_log = logging.getLogger(__name__)


class AccessError(Exception):
    """A refused request, with AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AccessControl:
    """WSGI: passes on the requests that are signed with `credentials` and sent to one of `hosts`.

    A host is a name with a port, or without one if any port will do. `check` raises AccessError for a request that is
    refused for another reason.
    """

    def __init__(
        self,
        application: Application,
        credentials: Credentials,
        hosts: Collection[str],
        check: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._application = application
        self._credentials = credentials
        self._hosts = frozenset(host.lower() for host in hosts)
        self._check = check

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        try:
            self._refuse_browsers(environ)
            if environ["REQUEST_METHOD"] == "GET" and environ.get("PATH_INFO", "").rstrip("/") == HEALTH_PATH:
                return _answer(start_response, "200 OK", b'{"status": "running"}', "application/json")
            self._require_credentials(environ)
            if self._check:
                self._check(environ)
        except AccessError as error:
            _log.warning("refused %s %r: %s", environ["REQUEST_METHOD"], environ.get("PATH_INFO"), error)
            return _refuse(environ, start_response, error)

        def without_cors(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [each for each in headers if not each[0].lower().startswith("access-control-")]
            return start_response(status, kept, *more)

        return self._application(environ, without_cors)

    def _refuse_browsers(self, environ: Mapping[str, Any]) -> None:
        host = environ.get("HTTP_HOST", "")
        # A name without a port allows every port, for instance one that is published for a container.
        if self._hosts.isdisjoint({host.lower(), PORT.sub("", host.lower())}):
            names = ", ".join(sorted(self._hosts))
            raise AccessError("AccessDenied", f"Local AWS does not listen as {host!r}, only as {names}.")
        if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
            raise AccessError("AccessDenied", "Local AWS does not answer web pages.")
        if environ["REQUEST_METHOD"] == "OPTIONS":
            raise AccessError("AccessDenied", "Local AWS does not answer CORS preflight requests.")
        if _is_closed(environ):
            raise AccessError("AccessDenied", "Local AWS does not serve this path.")

    def _require_credentials(self, environ: dict[str, Any]) -> None:
        signature = read_signature(environ)
        if signature is None and has_old_signature(environ):
            raise AccessError("InvalidRequest", _OLD_SIGNATURE)
        if signature is None:
            raise AccessError("MissingAuthenticationToken", _HOW_TO_SIGN)
        if not hmac.compare_digest(signature.access_key_id.encode(), self._credentials.access_key_id.encode()):
            raise AccessError("InvalidClientTokenId", "The security token included in the request is invalid.")
        if not is_valid(environ, signature, self._credentials.secret_access_key):
            raise AccessError("SignatureDoesNotMatch", _WRONG_SIGNATURE)


def _is_closed(environ: Mapping[str, Any]) -> bool:
    path = "/" + str(environ.get("PATH_INFO", "")).lstrip("/")
    return path.lower().startswith(CLOSED_PATHS)


def _refuse(environ: dict[str, Any], start_response: Callable[..., Any], error: AccessError) -> Iterable[bytes]:
    """The error in the form of the service's protocol."""
    environ["wsgi.input"].read(min(content_length(environ), MAX_DISCARDED_BYTES))
    signature = read_signature(environ)
    if signature is None and error.code == "AccessDenied":
        return _answer(start_response, FORBIDDEN, f"{error}\n".encode(), "text/plain; charset=utf-8")
    if "HTTP_X_AMZ_TARGET" in environ or (signature and signature.service == "lambda"):
        code = _JSON_CODES[error.code]
        body = json.dumps({"__type": code, "message": str(error)}).encode()
        return _answer(start_response, FORBIDDEN, body, "application/x-amz-json-1.1", ("x-amzn-ErrorType", code))
    if signature is None or signature.service == "s3":
        code, message = _S3_CODES.get(error.code, error.code), _S3_MESSAGES.get(error.code, str(error))
        text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    else:
        inner = f"<Type>Sender</Type><Code>{error.code}</Code><Message>{escape(str(error))}</Message>"
        text = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>"
    return _answer(start_response, FORBIDDEN, f"{XML}{text}".encode(), "application/xml")


def _answer(
    start_response: Callable[..., Any], status: str, body: bytes, content_type: str, *more: tuple[str, str]
) -> Iterable[bytes]:
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *more])
    return [body]
