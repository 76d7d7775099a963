"""XComs and DAG parameters as JSONPath into the data of an execution.

The data is one JSON object. It holds the DAG parameters under `params`, and each task's result under the task's id,
with the XComs under `return_value`. The results of a Parallel's branches are under the name of the group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from itertools import takewhile
from typing import Any, TypeAlias

from airflow.sdk.definitions.param import DagParam
from airflow.sdk.definitions.xcom_arg import PlainXComArg, XComArg

from stepfunctions.compiler.refusals import RefusedError

RETURN_VALUE = "return_value"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SAFE = re.compile(r"[^'\"\\\[\]]+")


@dataclass(frozen=True)
class Place:
    """One group around a task: its name, the branch that holds the task, and whether only one of its branches runs."""

    group: str
    branch: int
    is_choice: bool


# The groups around a task, outermost first.
Location: TypeAlias = tuple[Place, ...]


class Scope:
    """The place of a task among all tasks of the machine, from which references to their results are resolved."""

    def __init__(self, task_id: str, locations: Mapping[str, Location], unsure: frozenset[str] = frozenset()) -> None:
        self.task_id = task_id
        self._locations = locations
        # The tasks that may have failed before this one runs, and so may have no result.
        self._unsure = unsure

    @property
    def is_parallel(self) -> bool:
        """True inside a Parallel: other branches run at the same time."""
        return any(not place.is_choice for place in self._locations[self.task_id])

    def path(self, reference: XComArg | DagParam) -> str:
        """The JSONPath of a reference, as seen from this task.

        Raises:
            RefusedError: this kind of reference has no path, or the result it refers to may not exist.
        """
        if isinstance(reference, DagParam):
            return path_to("params", reference._name)
        if not isinstance(reference, PlainXComArg):
            raise RefusedError(
                self.task_id,
                "mapped-xcom",
                f"{type(reference).__name__} (from map, zip or concat) has no JSONPath; compute the value in a @task",
            )
        return self._result(reference)

    def _result(self, reference: PlainXComArg) -> str:
        producer = reference.operator.task_id
        if producer not in self._locations:
            raise RefusedError(
                self.task_id,
                "result-of-trigger",
                f"{producer!r} becomes the trigger of the state machine, and its result is not in the execution's "
                "data; pass the value as a DAG parameter",
            )
        if producer in self._unsure:
            raise RefusedError(
                self.task_id,
                "result-of-failed",
                f"{producer!r} may have failed before, and then has no result; write the result to S3, and look for "
                "it there",
            )
        here, there = self._locations[self.task_id], self._locations[producer]
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(here, there, strict=False))))
        if here[shared:] and there[shared:] and here[shared].group == there[shared].group:
            raise RefusedError(
                self.task_id,
                "result-of-sibling",
                f"{producer!r} runs in another branch, at the same time or instead of this one; "
                f"make {self.task_id!r} depend on it, or move it before the branches",
            )
        inner = there[shared:]
        if any(place.is_choice for place in inner):
            raise RefusedError(
                self.task_id,
                "result-of-alternative",
                f"{producer!r} may be skipped, and then has no result; write the result to S3, and look for it there",
            )
        key = [] if reference.key == RETURN_VALUE else [reference.key]
        self._check_has(reference, key)
        return path_to(*(each.group for each in inner), producer, RETURN_VALUE, *key)

    def _check_has(self, reference: PlainXComArg, key: list[str]) -> None:
        producer = reference.operator
        if producer.task_type == "EmptyOperator":
            raise RefusedError(
                self.task_id,
                "result-of-nothing",
                f"{producer.task_id!r} is an EmptyOperator and has no result; remove the reference",
            )
        if key and not getattr(producer, "multiple_outputs", False):
            raise RefusedError(
                self.task_id,
                "member-of-single-output",
                f"{producer.task_id!r} has no XCom {key[0]!r}; make it a @task(multiple_outputs=True)",
            )
        if key and not _SAFE.fullmatch(key[0]):
            raise RefusedError(
                self.task_id, "key", f"{key[0]!r} cannot be part of a JSONPath; use letters, digits, - and _"
            )


def payload(value: Any, scope: Scope) -> Any:
    """`value` as a payload template: a member that holds a reference gets a path, and `.$` at the end of its name.

    Raises:
        RefusedError: a value is not JSON, or a reference has no path.
    """
    if isinstance(value, Mapping):
        return dict(_entry(str(name), each, scope) for name, each in value.items())
    if isinstance(value, list | tuple):
        return [payload(each, scope) for each in value]
    return _constant(value, scope)


def _entry(name: str, value: Any, scope: Scope) -> tuple[str, Any]:
    if isinstance(value, XComArg | DagParam):
        return f"{name}.$", scope.path(value)
    if isinstance(value, Sequence) and not isinstance(value, str) and _has_reference(value):
        items = [_item(each, scope) for each in value]
        return f"{name}.$", f"States.Array({', '.join(items)})"
    return name, payload(value, scope)


def _item(value: Any, scope: Scope) -> str:
    if isinstance(value, XComArg | DagParam):
        return scope.path(value)
    if isinstance(value, Mapping | list | tuple) or value is None:
        raise RefusedError(
            scope.task_id,
            "mixed-list",
            f"a list with a reference can otherwise hold only text and numbers, not {value!r}; build it in a @task",
        )
    return literal(_constant(value, scope))


def _has_reference(values: Sequence[Any]) -> bool:
    return any(isinstance(each, XComArg | DagParam) for each in values)


def literal(value: Any) -> str:
    """A constant as an argument of an intrinsic function; text is quoted, with `\\`, `'`, `{` and `}` escaped."""
    if isinstance(value, str):
        escaped = re.sub(r"([\\'{}])", r"\\\1", value)
        return f"'{escaped}'"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _constant(value: Any, scope: Scope) -> Any:
    if isinstance(value, XComArg | DagParam):
        raise RefusedError(
            scope.task_id, "reference-alone", "a reference must be the value of a named field; put it into a dict"
        )
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        raise RefusedError(
            scope.task_id,
            "jinja",
            f"only Airflow can render the template {value!r}; use dag.param(...), or compute the value in a @task",
        )
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise RefusedError(
        scope.task_id, "not-json", f"{value!r} ({type(value).__name__}) is not JSON; pass text, numbers, lists or dicts"
    )


def path_to(*names: str) -> str:
    """The JSONPath of a nested member of the execution's data.

    >>> path_to("plan", "return_value", "run-id")
    "$.plan.return_value['run-id']"
    """
    return "$" + "".join(f".{name}" if _PLAIN.fullmatch(name) else f"['{name}']" for name in names)
