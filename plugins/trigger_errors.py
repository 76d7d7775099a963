"""An Airflow plugin: what the form and the API say about a wrong parameter is a sentence, without its JSON Schema.

Airflow passes on jsonschema's whole report: behind the sentence of `complaints.settings.parameters.worded` come
"Failed validating 'const' in schema['else']", the schema and the value. The plugin rewrites the answer of one route,
and only where it has that form, so an answer that Airflow words in another way stays as it is.
"""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ROUTE = re.compile(r"/api/v2/dags/[^/]+/dagRuns")
_REPORT = re.compile(
    r"Invalid input for param (?P<name>\w+): (?P<problem>.*?)\n\nFailed validating .*\n\nOn instance:\n(?P<value>.*)",
    re.DOTALL,
)
_EXPECTED, _NOT_BOOLEAN = " was expected", " is not of type 'boolean'"
_BAD_REQUEST = 400
_LONGEST_VALUE = 100  # characters


def sentence(detail: str) -> str:
    """The answer's detail as a sentence with the parameter, its value and what is accepted; other details unchanged."""
    report = _REPORT.fullmatch(detail.strip())
    if not report:
        return detail
    value, problem = report["value"].strip(), report["problem"]
    shown = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
    if problem.endswith(_NOT_BOOLEAN):
        accepted = "true or false"
    elif problem.endswith(_EXPECTED):
        accepted = ast.literal_eval(problem.removesuffix(_EXPECTED))
    else:
        return f"{report['name']}: {problem}"
    return f"{report['name']}: {shown} is not accepted; use {accepted}"


class TriggerErrors:
    """ASGI middleware: rewrites the detail of "400 Bad Request" to a request that triggers a DAG."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on, and holds back only the answers to be rewritten."""
        triggers = scope["type"] == "http" and scope["method"] == "POST" and _ROUTE.search(scope["path"])
        await self._app(scope, receive, _Rewriting(send) if triggers else send)


class _Rewriting:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == _BAD_REQUEST:
            self._start = message
            return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = _rewritten(self._body)
        others = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
        await self._send({**self._start, "headers": [*others, (b"content-length", str(len(body)).encode())]})
        await self._send({**message, "body": body})


def _rewritten(body: bytes) -> bytes:
    try:
        answer: Any = json.loads(body)
        answer["detail"] = sentence(answer["detail"])
    except (ValueError, SyntaxError, TypeError, KeyError, AttributeError):
        return body
    return json.dumps(answer).encode()


MIDDLEWARES: list[Any] = [{"name": "sentences about parameters", "middleware": TriggerErrors}]


class TriggerErrorsPlugin(AirflowPlugin):
    """The plugin that Airflow loads."""

    name = "trigger_errors"
    fastapi_root_middlewares = MIDDLEWARES
