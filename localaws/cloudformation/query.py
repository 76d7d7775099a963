"""The query protocol: a form as request and XML as answer, by botocore's service model."""

import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer, SerializationContext
from moto.core.utils import get_service_model

from localaws.lambdas.invoke import Answer
from localaws.server.protocol import ApiError, Handler

XML = {"Content-Type": "text/xml"}


@cache
def _model(service: str) -> Any:
    return get_service_model(service)


def answer_query(service: str, operations: Mapping[str, Handler], body: bytes) -> Answer:
    """Answers a request of the query protocol by one of these operations."""
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    name = form.get("Action", "")
    try:
        if name not in operations:
            raise ApiError("InvalidAction", f"local AWS does not answer {name!r} of {service}")
        model = _model(service).operation_model(name)
        result = operations[name](QueryParser(model).parse({"values": form}))  # type: ignore[typeddict-item]
        answer = QuerySerializer(model, SerializationContext(str(uuid.uuid4()))).serialize(result or {})
        return "200 OK", str(answer["body"]).encode(), XML
    except ApiError as error:
        inner = f"<Type>Sender</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        return f"{error.status} Error", f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>".encode(), XML
