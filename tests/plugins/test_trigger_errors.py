"""An error about a parameter is a sentence with an example, in the API server's answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonschema
import pytest

from complaints.settings import parameters
from plugins.trigger_errors import TriggerErrors, sentence

TRIGGER = "/api/v2/dags/complaints_classification/dagRuns"
SOURCE = parameters.worded(r"^raw/[a-z/]*$", parameters.source("raw/"))
ETAG = parameters.worded(parameters.ETAG_PATTERN, parameters.ETAG, optional=True)


def detail(name: str, value: Any, schema: dict[str, Any]) -> str:
    """What Airflow answers, in the words of the installed jsonschema."""
    with pytest.raises(jsonschema.ValidationError) as refused:
        jsonschema.validate(value, schema)
    return f"Invalid input for param {name}: {refused.value}"


def answered(status: int, body: bytes, path: str = TRIGGER, method: str = "POST") -> tuple[dict[bytes, bytes], bytes]:
    """The headers and the body of an answer that went through the middleware, in two pieces."""
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(TriggerErrors(app)({"type": "http", "method": method, "path": path}, receive, send))
    return dict(sent[0]["headers"]), b"".join(each["body"] for each in sent[1:])


def test_the_sentence_has_the_value_what_is_accepted_and_an_example() -> None:
    assert sentence(detail("source", "outside/", SOURCE)) == (
        f"source: 'outside/' is not accepted; use {parameters.source('raw/')}"
    )
    assert "for example raw/2026-03.csv" in sentence(detail("source", "outside/", SOURCE))
    assert "for example d41d8cd98f00b204e9800998ecf8427e" in sentence(detail("etag", "x", ETAG))


@pytest.mark.parametrize("value", ["outside\n\nFailed validating", "x" * 10_000, 'it\'s "quoted"', "\\"])
def test_whatever_the_value_is_no_schema_is_left(value: str) -> None:
    found = sentence(detail("source", value, SOURCE))
    assert "schema[" not in found
    assert len(found) < 500


def test_a_wrong_type_is_named() -> None:
    assert sentence(detail("etag", 5, ETAG)) == "etag: 5 is not of type 'string', 'null'"
    accept = detail("accept_fewer_rows", "yes", {"type": "boolean"})
    assert sentence(accept) == "accept_fewer_rows: 'yes' is not accepted; use true or false"


@pytest.mark.parametrize("other", ["", "DAG is paused", "Invalid input for param source: No value passed"])
def test_other_details_stay_as_they_are(other: str) -> None:
    assert sentence(other) == other


def test_an_answer_is_rewritten_with_its_length() -> None:
    headers, body = answered(400, json.dumps({"detail": detail("source", "outside/", SOURCE)}).encode())
    assert json.loads(body)["detail"].startswith("source: 'outside/' is not accepted; use raw/")
    assert headers == {b"content-length": str(len(body)).encode(), b"content-type": b"application/json"}


@pytest.mark.parametrize(
    ("status", "body", "path", "method"),
    [
        (200, b'{"detail": "fine"}', TRIGGER, "POST"),
        (400, b"not JSON", TRIGGER, "POST"),
        (400, b'["a list"]', TRIGGER, "POST"),
        (400, b'{"detail": {"type": "missing"}}', TRIGGER, "POST"),
        (400, b'{"detail": "x"}', "/api/v2/pools", "POST"),
    ],
)
def test_any_other_answer_arrives_byte_by_byte(status: int, body: bytes, path: str, method: str) -> None:
    assert answered(status, body, path, method)[1] == body
