r"""Escapes in the arguments of intrinsic functions: `\{`, `\}`, `\'` and `\\` stand for the character itself.

moto 5.2.5 reads the text as it is in the JSON, where every backslash is two, and leaves the backslashes where they are,
so that States.StringToJson('\{\}') is no JSON. Its States.Format is Python's str.format, which fails on other braces.
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html#amazon-states-language-intrinsic-functions-reserved-characters
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.stepfunctions.parser.asl.component.intrinsic.argument.argument import ArgumentLiteral
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic.string_format import StringFormat
from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser

from localaws.moto_patches.replacement import replaced

ESCAPED = re.compile(r"\\([{}'\\])")
PLACEHOLDER = re.compile(r"(\\.)|\{\}", re.DOTALL)


@contextmanager
def patches() -> Iterator[None]:
    """Intrinsic functions read escapes."""
    with ExitStack() as stack:
        stack.enter_context(replaced(IntrinsicParser, {"parse": staticmethod(_parsed(IntrinsicParser.parse))}))
        stack.enter_context(replaced(ArgumentLiteral, {"_eval_argument": _plain}))
        stack.enter_context(replaced(StringFormat, {"_eval_body": _format}))
        yield


def _parsed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda src: parse(json.loads(f'"{src}"', strict=False))


def _plain(argument: Any, env: Any) -> Any:  # noqa: ARG001
    value = argument.definition_value
    return ESCAPED.sub(r"\1", value) if isinstance(value, str) else value


def _format(function: Any, env: Any) -> None:
    function.argument_list.eval(env=env)
    template, *values = env.stack.pop()
    first = function.argument_list.arguments[0]
    if isinstance(first, ArgumentLiteral):
        template = first.definition_value
    env.stack.append(filled(template, [function._to_str_repr(value) for value in values]))


def filled(template: str, values: list[str]) -> str:
    r"""The template with each `{}` replaced. Raises ValueError if there are not as many values.

    >>> filled(r"\{{}\} of {}", ["1", "{}"])
    '{1} of {}'
    """
    wanted = sum(match[1] is None for match in PLACEHOLDER.finditer(template))
    if wanted != len(values):
        raise ValueError(f"States.Format: {wanted} placeholders in {template!r}, but {len(values)} values")
    left = iter(values)
    return PLACEHOLDER.sub(lambda match: ESCAPED.sub(r"\1", match[1]) if match[1] else next(left), template)
