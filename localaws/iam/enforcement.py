"""Enforcement: a call in a role's name is answered only if a policy of the role allows it.

The processes of functions and jobs say whose role they have by the application id in their User-Agent, which botocore
reads from AWS_SDK_UA_APP_ID; Step Functions has the role of the state machines. All other callers may do everything.
What was asked, and by which statement it was answered, is in `iam.jsonl` of the state folder, each question once.
"""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

from moto.iam.models import iam_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from localaws.iam.evaluation import Request, decide
from localaws.iam.requests import requests_of
from localaws.server.access import AccessError
from localaws.server.calls import Call, read_call, scope_of
from localaws.server.cloud import ACCOUNT
from localaws.server.private_files import open_private
from localaws.server.protocol import Json

IN_NAME_OF = re.compile(r"\bapp/(\S+)")
STATES = "states.amazonaws.com"
NUMBERS = re.compile(r"[0-9a-f]{8,}|\d+")


class Enforcement:
    """The policies of the roles, and the file that records what they were asked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._asked: set[tuple[str, str, str, str | None]] = set()
        self._lock = Lock()
        open_private(file).close()

    def check(self, environ: dict[str, Any]) -> None:
        """Raises AccessError if the caller's role does not allow the call."""
        role = _role(environ.get("HTTP_USER_AGENT", ""), scope_of(environ)[0])
        if role is None:
            return
        body = _body(environ)
        call = read_call(environ, body)
        if call is None:
            return
        policies = _policies(role)
        for request in requests_of(call, environ, body):
            allowed, statement = decide(policies, request)
            self._record(role, call, request, (statement or {}).get("Sid") if allowed else None)
            if not allowed:
                raise AccessError(
                    "AccessDenied",
                    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{role}/local is not authorized to perform: "
                    f"{request.action} on resource: {request.resource} because no identity-based policy allows it",
                )

    def _record(self, role: str, call: Call, request: Request, sid: str | None) -> None:
        # Names that differ in their numbers only are one question.
        question = (role, request.action, NUMBERS.sub("#", request.resource), sid)
        with self._lock:
            if question in self._asked:
                return
            self._asked.add(question)
            line: Json = dict(zip(("role", "action", "resource", "statement"), question, strict=True))
            with open_private(self._file, "a") as file:
                file.write(json.dumps({**line, "operation": call.name}) + "\n")


def _role(agent: str, region: str) -> str | None:
    if found := IN_NAME_OF.search(agent):
        return found[1]
    if agent.startswith(STATES):
        machines = stepfunctions_parser_backends[ACCOUNT][region].state_machines
        roles = {str(each.roleArn).rpartition("/")[2] for each in machines}
        return roles.pop() if len(roles) == 1 else None
    return None


def _policies(role: str) -> list[Json]:
    """The role's policies; none if there is no such role, so that nothing is allowed."""
    for each in iam_backends[ACCOUNT]["aws"].roles.values():
        if each.name == role:
            return [document if isinstance(document, dict) else json.loads(document) for document in _inline(each)]
    return []


def _inline(role: Any) -> list[Any]:
    policies: Mapping[str, Any] = role.policies
    return list(policies.values())


def _body(environ: dict[str, Any]) -> bytes:
    """The body, which can be read again; nothing of an object."""
    is_object = scope_of(environ)[1] == "s3" and "delete" not in environ.get("QUERY_STRING", "")
    if is_object:
        return b""
    content: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(content)
    return content
