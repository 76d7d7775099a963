"""A template's text as a dictionary: JSON, or YAML with CloudFormation's short forms such as `!Ref`."""

from typing import Any

import yaml

from localaws.server.protocol import ApiError, Json

MAX_BYTES = 51_200


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with short forms. A date such as 2012-10-17 stays a text."""


def _short_form(loader: Any, suffix: str, node: Any) -> Json:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    construct = loader.construct_sequence if isinstance(node, yaml.SequenceNode) else loader.construct_mapping
    return {name: construct(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in each if tag != "tag:yaml.org,2002:timestamp"]
    for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_template(body: str) -> Json:
    """The template. Raises ApiError if it is longer than CloudFormation takes, or is none."""
    if len(body.encode()) > MAX_BYTES:
        raise ApiError("ValidationError", f"the template is longer than {MAX_BYTES} bytes: pass it by TemplateURL")
    try:
        template = yaml.load(body, _Loader)
    except yaml.YAMLError as error:
        raise ApiError("ValidationError", f"Template format error: {error}") from None
    if not isinstance(template, dict) or not template.get("Resources"):
        raise ApiError("ValidationError", "Template format error: At least one Resources member must be defined.")
    return template
