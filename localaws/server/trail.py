"""Who changed what through the endpoint, as CloudTrail records it: one line of JSON for each call.

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

from localaws.server.calls import GREATEST_BODY_BYTES, Call, read_call, scope_of
from localaws.server.private_files import open_private
from localaws.server.protocol import Json

# To receive a message hides it for a while; but who waits for one asks all the time.
READING = re.compile(
    r"(Batch)?(Get|Describe|List|Head)[A-Z]|(Lookup|Search|Query|Scan|Select|Filter|Test|Validate|Simulate|Receive)"
)
# What an answer says of the thing that it made or started: ARNs and ids.
IDENTITY = re.compile(r"\w*(Arn|ARN|Id)")
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_log = logging.getLogger(__name__)


@dataclass
class Head:
    """The beginning of an answer; the names of its headers in small letters."""

    status: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the call was refused."""
        return self.status >= "4"


class Trail:
    """WSGI: passes each request on, and writes down those that change something.

    The calls of clients whose User-Agent begins with `unrecorded` are local AWS's own.
    """

    def __init__(self, application: Application, file: Path, unrecorded: str) -> None:
        self._application = application
        self._file = file
        self._unrecorded = unrecorded
        self._lock = Lock()
        # An AWS that starts has no past.
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
        # What a function gave is nobody's business, and S3 does not answer in JSON.
        if head.failed or (call.service != "s3" and call.name != "Invoke"):
            content, answer = _read(answer)
        try:
            self._append(_record(call, at, agent) | (_error(content, head) if head.failed else _identity(content)))
        except Exception:
            _log.exception("%s is missing in the trail", call.name)
        return answer

    def _append(self, event: Json) -> None:
        line = json.dumps(event) + "\n"
        with self._lock, open_private(self._file, "a") as file:
            file.write(line)


def _call(environ: dict[str, Any]) -> Call | None:
    try:
        return read_call(environ, _body(environ))
    except Exception:
        # A call must not fail because it could not be written down.
        _log.exception("a call of %s is missing in the trail", environ.get("PATH_INFO"))
        return None


def _body(environ: dict[str, Any]) -> bytes | None:
    """The body, which stays there to be read; None where it is long, and for S3, whose objects it would be."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if scope_of(environ)[1] == "s3" or length > GREATEST_BODY_BYTES:
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
        # Behind the name of a service botocore puts its own.
        "userAgent": first if first.endswith(".amazonaws.com") else agent,
        "requestParameters": call.parameters,
    }


def _identity(content: bytes) -> Json:
    if not content.startswith(b"{") or len(content) > GREATEST_BODY_BYTES:
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
        told = json.loads(text)
        # Lambda's errors have their code in a header.
        code = head.headers.get("x-amzn-errortype") or told.get("__type") or ""
        return {"errorCode": code.rpartition("#")[2], "errorMessage": told.get("message") or told.get("Message") or ""}
    found = {tag: re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("Code", "Message")}
    said = {tag: match[1].strip() if match else "" for tag, match in found.items()}
    return {"errorCode": said["Code"], "errorMessage": said["Message"]}
