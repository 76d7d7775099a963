"""Runs a compiled machine with made-up results: the part of Amazon States Language that the compiler uses.

The specification: https://states-language.net/spec.html. A state that would fail on AWS (a missing path, a transition
to a missing state) raises here.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:weather_report:run-1"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:weather_report"
Work = Callable[[str, Mapping[str, Any]], Any]
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^']*)'\]|\[(\d+)\]")


def run(machine: Mapping[str, Any], given: Any, work: Work) -> Any:
    """The output of the machine for the input `given`; `work(state name, request)` returns the result of each Task.

    Raises:
        ExecutionFailedError: the machine ended in a Fail.
    """
    execution = {"Input": given, "Name": "run-1", "Id": EXECUTION}
    return _run(machine, given, {"Execution": execution, "StateMachine": {"Id": MACHINE}}, work)


def _run(machine: Mapping[str, Any], data: Any, execution: Mapping[str, Any], work: Work) -> Any:
    name = machine["StartAt"]
    while True:
        state = machine["States"][name]
        if state["Type"] == "Fail":
            raise ExecutionFailedError(
                value_at(state["ErrorPath"], data, {}), str(value_at(state["CausePath"], data, {}))
            )
        if state["Type"] == "Succeed":
            return data
        if state["Type"] == "Choice":
            name = _chosen(state, data)
            continue
        if state["Type"] == "Wait":
            name = state["Next"]
            continue
        try:
            context = {**execution, "State": {"Name": name, "RetryCount": 0}, "Task": {"Token": "t"}}
            result = _result(state, data, context, work)
        except ExecutionFailedError as error:
            catchers = [each for each in state.get("Catch", []) if {"States.ALL", error.error} & {*each["ErrorEquals"]}]
            if not catchers:
                raise
            data = _placed({"Error": error.error, "Cause": error.cause}, catchers[0]["ResultPath"], data)
            name = catchers[0]["Next"]
            continue
        data = _placed(result, state.get("ResultPath", "$"), data)
        if state.get("End"):
            return value_at(state.get("OutputPath", "$"), data, {})
        name = state["Next"]


class ExecutionFailedError(Exception):
    """The execution reached a Fail, or a Task failed."""

    def __init__(self, error: str, cause: str) -> None:
        self.error, self.cause = error, cause
        super().__init__(f"{error}: {cause}")


def _result(state: Mapping[str, Any], data: Any, context: Mapping[str, Any], work: Work) -> Any:
    given = filled(state["Parameters"], data, context) if "Parameters" in state else data
    if state["Type"] == "Task":
        given = work(context["State"]["Name"], given)
    elif state["Type"] == "Parallel":
        given = [_run(branch, copy.deepcopy(data), context, work) for branch in state["Branches"]]
    elif state["Type"] == "Map":
        items = value_at(state["ItemsPath"], data, {})
        given = [_run_item(state, item, data, context, work) for item in items]
    else:
        assert state["Type"] == "Pass", state
        given = state.get("Result", given)
    return filled(state["ResultSelector"], given, context) if "ResultSelector" in state else given


def _run_item(state: Mapping[str, Any], item: Any, data: Any, context: Mapping[str, Any], work: Work) -> Any:
    around = {**context, "Map": {"Item": {"Value": item}}}
    return _run(state["ItemProcessor"], filled(state["ItemSelector"], data, around), around, work)


def _chosen(state: Mapping[str, Any], data: Any) -> str:
    for choice in state["Choices"]:
        value = value_at(choice["Variable"], data, {})
        wanted = choice["StringEquals"] if "StringEquals" in choice else choice["BooleanEquals"]
        if type(value) is type(wanted) and value == wanted:
            return str(choice["Next"])
    return str(state["Default"])


def _placed(result: Any, path: str | None, data: Any) -> Any:
    """`data` with `result` at `path`, with missing members created; None drops the result."""
    if path is None:
        return data
    if path == "$":
        return result
    data = copy.deepcopy(data)
    *parents, last = _steps(path)
    place = data
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = result
    return data


def filled(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    """A payload template with its paths and intrinsic functions evaluated."""
    if isinstance(template, list):
        return [filled(each, data, context) for each in template]
    if not isinstance(template, dict):
        return template
    return {
        name.removesuffix(".$"): evaluated(each, data, context) if name.endswith(".$") else filled(each, data, context)
        for name, each in template.items()
    }


def evaluated(expression: str, data: Any, context: Mapping[str, Any]) -> Any:
    """The value of a path or an intrinsic function."""
    value, rest = _expression(expression, data, context)
    assert not rest, f"{rest!r} is left of {expression!r}"
    return value


def value_at(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    """The value at a path; `$$` is the context object."""
    place = context if path.startswith("$$") else data
    for step in _steps(path):
        place = place[step]
    return copy.deepcopy(place)


def _steps(path: str) -> list[str | int]:
    rest = path.removeprefix("$").removeprefix("$")
    found = list(_STEP.finditer(rest))
    assert "".join(each[0] for each in found) == rest, f"{path!r} is not a reference path"
    return [int(each[3]) if each[3] else each[1] or each[2] for each in found]


def _expression(text: str, data: Any, context: Mapping[str, Any]) -> tuple[Any, str]:
    """The value of the expression at the start of `text`, and the rest of the text."""
    text = text.lstrip()
    if text.startswith("'"):
        literal = re.match(r"'((?:[^'\\]|\\.)*)'", text)
        assert literal, f"{text!r} is not closed"
        # Escapes stay in: States.Format must distinguish {} from an escaped one, and unescapes by itself.
        return Literal(literal[1]), text[literal.end() :]
    if text.startswith("$"):
        path = re.match(r"\$\$?(?:\.[A-Za-z_][A-Za-z0-9_-]*|\['[^']*'\]|\[\d+\])*", text)
        assert path
        return value_at(path[0], data, context), text[path.end() :]
    if function := re.match(r"States\.(\w+)\(", text):
        arguments, rest = [], text[function.end() :]
        while not rest.startswith(")"):
            value, rest = _expression(rest, data, context)
            arguments.append(value)
            rest = rest.lstrip().removeprefix(",")
        return _FUNCTIONS[function[1]](*arguments), rest[1:]
    constant = re.match(r"(true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])", text)
    assert constant, f"{text!r} is neither a path, nor a constant, nor a function"
    return json.loads(constant[1]), text[constant.end() :]


class Literal(str):
    """Text between single quotes, with its escapes."""

    __slots__ = ()

    def plain(self) -> str:
        """The text without escapes."""
        return re.sub(r"\\(.)", r"\1", str(self))


def _plain(value: Any) -> Any:
    return value.plain() if isinstance(value, Literal) else value


def _format(template: Any, *values: Any) -> str:
    waiting = [_plain(value) for value in values]

    def replaced(match: re.Match[str]) -> str:
        if match[0].startswith("\\"):
            return match[0][1]
        value = waiting.pop(0)
        return value if isinstance(value, str) else json.dumps(value)

    text = re.sub(r"\\.|\{\}", replaced, str(template))
    assert not waiting, f"{template!r} has no place for {waiting}"
    return text


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Array": lambda *values: [_plain(value) for value in values],
    "Format": _format,
    "JsonToString": lambda value: json.dumps(value, separators=(",", ":")),
    "StringToJson": lambda text: json.loads(_plain(text)),
    "StringSplit": lambda text, separator: _plain(text).split(_plain(separator)),
    "ArrayGetItem": lambda values, place: values[place],
    "JsonMerge": lambda first, second, deep: {**first, **second} if deep is False else 1 / 0,
}
