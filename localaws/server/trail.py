"""The trail: a record of every change through the endpoint, one line of JSON each, in CloudTrail's format.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

from localaws.server.calls import MAX_BODY_BYTES, Call, read_call, scope_of
from localaws.server.private_files import open_private
from localaws.server.protocol import Json

# ReceiveMessage changes a message's visibility; but consumers poll, and would fill the trail.
READING = re.compile(
    r"(Batch)?(Get|Describe|List|Head)[A-Z]|(Lookup|Search|Query|Scan|Select|Filter|Test|Validate|Simulate|Receive)"
)
# The members of an answer that identify what was created or started.
IDENTITY = re.compile(r"\w*(Arn|ARN|Id)")
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_log = logging.getLogger(__name__)


@dataclass
class Head:
    """The status and headers of an answer; header names are lower-case."""

    status: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """True if the call was refused."""
        return self.status >= "4"


class Trail:
    """WSGI: passes requests on, and records those that change something.

    Calls of clients whose User-Agent begins with `unrecorded` are local AWS's own, and left out.
    """

    def __init__(self, application: Application, file: Path, unrecorded: str) -> None:
        self._application = application
        self._file = file
        self._unrecorded = unrecorded
        self._lock = Lock()
        # A new server starts a new trail.
        open_private(file).close()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        agent = environ.get("HTTP_USER_AGENT", "")
        if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS") or agent.partition(" ")[0] == self._unrecorded:
            return self._application(environ, start_response)
        at, call = datetime.now(UTC), _call(environ)
        if call is None or READING.match(call.name):
            return self._application(environ, start_response)
        head = Head()

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            head.status, head.headers = status, {name.lower(): value for name, value in headers}
            return start_response(status, headers, *more)

        answer, content = self._application(environ, started), b""
        # Results of functions are not recorded, and S3 does not answer in JSON.
        if head.failed or (call.service != "s3" and call.name != "Invoke"):
            content, answer = _read(answer)
        try:
            self._append(_record(call, at, agent) | (_error(content, head) if head.failed else _identity(content)))
        except Exception:
            _log.exception("cannot record %s in the trail", call.name)
        return answer

    def _append(self, event: Json) -> None:
        line = json.dumps(event) + "\n"
        with self._lock, open_private(self._file, "a") as file:
            file.write(line)


def _call(environ: dict[str, Any]) -> Call | None:
    try:
        return read_call(environ, _body(environ))
    except Exception:
        # A call must not fail because it cannot be recorded.
        _log.exception("cannot record a call of %r in the trail", environ.get("PATH_INFO"))
        return None


def _body(environ: dict[str, Any]) -> bytes | None:
    """The body, which can be read again; None if it is long, and for S3, where it is an object."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if scope_of(environ)[1] == "s3" or length > MAX_BODY_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = BytesIO(body)
    return body


def _read(answer: Iterable[bytes]) -> tuple[bytes, list[bytes]]:
    try:
        content = b"".join(answer)
    finally:
        if close := getattr(answer, "close", None):
            close()
    return content, [content]


def _record(call: Call, at: datetime, agent: str) -> Json:
    first = agent.partition(" ")[0]
    return {
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{call.service}.amazonaws.com",
        "eventName": call.name,
        "awsRegion": call.region,
        # botocore appends its own to the name of a service.
        "userAgent": first if first.endswith(".amazonaws.com") else agent,
        "requestParameters": call.parameters,
    }


def _identity(content: bytes) -> Json:
    if not content.startswith(b"{") or len(content) > MAX_BODY_BYTES:
        return {}
    found = {
        name[:1].lower() + name[1:]: value
        for name, value in json.loads(content).items()
        if isinstance(value, str) and IDENTITY.fullmatch(name)
    }
    return {"responseElements": found} if found else {}


def _error(content: bytes, head: Head) -> Json:
    text = content.decode(errors="replace")
    if text.startswith("{"):
        body = json.loads(text)
        # Lambda's errors have their code in a header.
        code = head.headers.get("x-amzn-errortype") or body.get("__type") or ""
        return {"errorCode": code.rpartition("#")[2], "errorMessage": body.get("message") or body.get("Message") or ""}
    found = {tag: re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("Code", "Message")}
    texts = {tag: match[1].strip() if match else "" for tag, match in found.items()}
    return {"errorCode": texts["Code"], "errorMessage": texts["Message"]}
