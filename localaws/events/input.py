"""The input of a target: the whole event, a part, a constant, or the output of its InputTransformer.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.stepfunctions.parser.asl.utils.json_path import extract_json

from localaws.server.protocol import Json

# A string in a template, or a placeholder outside of strings.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<[^<>"]+>', re.DOTALL)
PLACEHOLDER = re.compile(r"<([^<>]+)>")


def target_input(rule: Any, target: Json, event: Json) -> str:
    """The input of a target of a rule, which has moto's attributes `arn` and `name`."""
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
    """The template with its placeholders replaced.

    Outside of quotes a value becomes JSON. Inside of quotes it becomes plain text, which EventBridge does not escape,
    and an object loses its quotes.

    >>> values = {"key": "raw/a.csv", "size": 7, "object": {"etag": "x"}}
    >>> transformed('{"key": <key>, "text": "<key> has <size> bytes", "object": <object>}', values)
    '{"key": "raw/a.csv", "text": "raw/a.csv has 7 bytes", "object": {"etag": "x"}}'
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
        # The variable of a path that the event does not have is empty.
        return None
