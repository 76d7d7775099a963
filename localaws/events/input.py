"""What a target gets of an event: all of it, a part, a constant, or what its InputTransformer makes.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.stepfunctions.parser.asl.utils.json_path import extract_json

from localaws.server.protocol import Json

# A text of a template, or a placeholder outside of any.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<[^<>"]+>', re.DOTALL)
PLACEHOLDER = re.compile(r"<([^<>]+)>")


def target_input(rule: Any, target: Json, event: Json) -> str:
    """The text that the target gets, as a rule which is like moto's (`arn`, `name`) says."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(extract_json(target["InputPath"], event))
    if transformer := target.get("InputTransformer"):
        values = {
            "aws.events.rule-arn": rule.arn,
            "aws.events.rule-name": rule.name,
            "aws.events.event.json": event,
            "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        }
        values |= {name: _found(path, event) for name, path in transformer.get("InputPathsMap", {}).items()}
        return transformed(transformer["InputTemplate"], values)
    return json.dumps(event)


def transformed(template: str, values: Mapping[str, Any]) -> str:
    """The template with its placeholders filled in.

    Outside of quotes a value is JSON, and texts get quotes of their own; inside of quotes it is bare text,
    which EventBridge does not escape, and an object loses its quotes.

    >>> values = {"key": "raw/a.csv", "size": 7, "object": {"etag": "x"}}
    >>> transformed('{"key": <key>, "told": "<key> has <size> bytes", "object": <object>}', values)
    '{"key": "raw/a.csv", "told": "raw/a.csv has 7 bytes", "object": {"etag": "x"}}'
    >>> transformed('"<object> is <unknown>"', values)
    '"{etag: x} is "'
    """

    def fill(token: re.Match[str]) -> str:
        if token[0].startswith('"'):
            return PLACEHOLDER.sub(lambda placeholder: _text(values.get(placeholder[1])), token[0])
        value = values.get(token[0][1:-1])
        return json.dumps("" if value is None else value)

    return TOKEN.sub(fill, template)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value).replace('"', "")


def _found(path: str, event: Json) -> Any:
    try:
        return extract_json(path, event)
    except Exception:
        # What the event does not have, the variable does not have either.
        return None
