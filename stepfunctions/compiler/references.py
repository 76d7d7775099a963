"""What is known only at run time, as paths into the execution's data.

The data is one JSON object: `params`, and under each task's id what the task left, its XComs under `return_value`.
A Parallel keeps what its branches left under the group's name.
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
    """One group around a task: its name, the branch that holds the task, and whether only one branch runs."""

    group: str
    branch: int
    is_choice: bool


# The groups around a task, outermost first.
Location: TypeAlias = tuple[Place, ...]


class Scope:
    """Where a state stands among all tasks that become states."""

    def __init__(self, task_id: str, locations: Mapping[str, Location], unsure: frozenset[str] = frozenset()) -> None:
        self.task_id = task_id
        self._locations = locations
        # The tasks that may have failed before this one runs, and so may have left nothing.
        self._unsure = unsure

    @property
    def is_parallel(self) -> bool:
        """Whether other branches run at the same time."""
        return any(not place.is_choice for place in self._locations[self.task_id])

    def path(self, reference: XComArg | DagParam) -> str:
        """The JSONPath of a reference, as seen from this state.

        Raises:
            RefusedError: the reference is of a kind that has no path, or to a task whose result is not there.
        """
        if isinstance(reference, DagParam):
            return path_to("params", reference._name)
        if not isinstance(reference, PlainXComArg):
            raise RefusedError(
                self.task_id,
                "mapped-xcom",
                f"{type(reference).__name__} (map, zip, concat) has no path; compute the value in a @task",
            )
        return self._result(reference)

    def _result(self, reference: PlainXComArg) -> str:
        producer = reference.operator.task_id
        if producer not in self._locations:
            raise RefusedError(
                self.task_id,
                "result-of-trigger",
                f"the result of {producer!r}, which becomes the trigger, is not in the execution's data; "
                "pass what is needed as a DAG parameter",
            )
        if producer in self._unsure:
            raise RefusedError(
                self.task_id,
                "result-of-failed",
                f"{producer!r} may have failed by then; let it leave its result in S3, to be found or not",
            )
        here, there = self._locations[self.task_id], self._locations[producer]
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(here, there, strict=False))))
        if here[shared:] and there[shared:] and here[shared].group == there[shared].group:
            raise RefusedError(
                self.task_id,
                "result-of-sibling",
                f"{producer!r} runs in another branch, at the same time or instead; "
                f"let {self.task_id!r} wait for it, or move it before the branches",
            )
        inner = there[shared:]
        if any(place.is_choice for place in inner):
            raise RefusedError(
                self.task_id,
                "result-of-alternative",
                f"{producer!r} may not have run; let each alternative leave its result in S3, for the next to find",
            )
        key = [] if reference.key == RETURN_VALUE else [reference.key]
        self._check_has(reference, key)
        return path_to(*(each.group for each in inner), producer, RETURN_VALUE, *key)

    def _check_has(self, reference: PlainXComArg, key: list[str]) -> None:
        producer = reference.operator
        if producer.task_type == "EmptyOperator":
            raise RefusedError(self.task_id, "result-of-nothing", f"{producer.task_id!r} leaves no result to use")
        if key and not getattr(producer, "multiple_outputs", False):
            raise RefusedError(
                self.task_id,
                "member-of-single-output",
                f"{producer.task_id!r} has no XCom {key[0]!r} of its own; let it be a @task(multiple_outputs=True)",
            )
        if key and not _SAFE.fullmatch(key[0]):
            raise RefusedError(self.task_id, "key", f"{key[0]!r} cannot stand in a path; use letters, digits, - and _")


def payload(value: Any, scope: Scope) -> Any:
    """`value` as a payload template: a member that is a reference gets a path, and `.$` behind its name.

    Raises:
        RefusedError: something in it cannot be written down.
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
            scope.task_id, "mixed-list", f"a list with a reference holds text and numbers beside it, not {value!r}"
        )
    return literal(_constant(value, scope))


def _has_reference(values: Sequence[Any]) -> bool:
    return any(isinstance(each, XComArg | DagParam) for each in values)


def literal(value: Any) -> str:
    """A constant as an intrinsic function's argument: text in single quotes, `\\`, `'`, `{` and `}` escaped."""
    if isinstance(value, str):
        escaped = re.sub(r"([\\'{}])", r"\\\1", value)
        return f"'{escaped}'"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _constant(value: Any, scope: Scope) -> Any:
    if isinstance(value, XComArg | DagParam):
        raise RefusedError(scope.task_id, "reference-alone", "a reference must be the value of a named field")
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        raise RefusedError(
            scope.task_id,
            "jinja",
            f"{value!r} needs Airflow's context to be rendered; use dag.param(...), or compute it in a @task",
        )
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise RefusedError(
        scope.task_id, "not-json", f"{value!r} ({type(value).__name__}) is not JSON; pass text, numbers, lists, dicts"
    )


def path_to(*names: str) -> str:
    """The path of a member of a member of … the execution's data.

    >>> path_to("plan", "return_value", "run-id")
    "$.plan.return_value['run-id']"
    """
    return "$" + "".join(f".{name}" if _PLAIN.fullmatch(name) else f"['{name}']" for name in names)
