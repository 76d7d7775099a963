"""A DAG object in, its state machine in Amazon States Language out.

Nothing here knows a complaint: operators are compiled by `operators`, references by `references`, the order of
tasks by `structure`. Every reason why a DAG cannot be compiled is found before any is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from stepfunctions import operators
from stepfunctions.operators import Context, State, error_state
from stepfunctions.references import RETURN_VALUE, Location, Place, Scope, path_to
from stepfunctions.refusals import CompileError, Refusal, RefusedError
from stepfunctions.rules import findings
from stepfunctions.structure import Choice, Group, Part, Series, Step, first_steps, start, structure, with_choices

DEFAULTS, PARAMS, FAILED, DONE = "defaults", "params", "failed", "done"
_TRIGGERS = ("S3KeySensor",)
_GROUP = re.compile(r"group_[0-9]+")
# A failure ends the execution, so that of these rules each means the same: what stands before has not failed.
_TRIGGER_RULES = ("all_success", "none_failed", "none_failed_min_one_success")


def compile_dag(dag: Any) -> dict[str, Any]:
    """The state machine of `dag`, ready to be written as JSON; the same DAG gives the same bytes.

    An execution's input is the DAG run's `conf`: values for the DAG's parameters, the defaults for those left out.

    Raises:
        CompileError: the DAG says something that a state machine cannot; all such places are named together.
    """
    triggers = {task.task_id for task in triggers_of(dag)}
    tasks = {task.task_id: task for task in dag.tasks if task.task_id not in triggers}
    refusals = list(_refused_features(dag))
    try:
        shape = structure({task_id: task.downstream_task_ids for task_id, task in tasks.items()})
        shape = with_choices(shape, _options(tasks, operators.BRANCHING))
    except RefusedError as error:
        raise CompileError(dag.dag_id, [*refusals, error.refusal]) from None
    states = _Build(tasks, dict(_locations(shape)), refusals).machine(shape, _defaults(dag))
    machine = {"Comment": dag.description or dag.dag_id, "StartAt": DEFAULTS, "States": states}
    # Only a machine that keeps the rules leaves here; what they find is no worse a reason than the compiler's own.
    refusals += [] if refusals else [Refusal("", "rules", finding) for finding in findings(machine)]
    if refusals:
        raise CompileError(dag.dag_id, refusals)
    return machine


def triggers_of(dag: Any) -> list[Any]:
    """The sensors at the root of `dag`: what they wait for starts the state machine instead."""
    return [task for task in dag.tasks if task.task_type in _TRIGGERS and not task.upstream_task_ids]


def _options(tasks: Mapping[str, Any], types: tuple[str, ...]) -> dict[str, set[str]]:
    """The tasks of these types, and the tasks right after each."""
    return {task_id: task.downstream_task_ids for task_id, task in tasks.items() if task.task_type in types}


def _defaults(dag: Any) -> dict[str, Any]:
    params = {name: dag.params.get_param(name) for name in dag.params}
    return {name: param.value for name, param in params.items() if param.has_value}


def _refused_features(dag: Any) -> Iterator[Refusal]:
    """What is wrong with a task whatever its operator is."""
    for task in dag.tasks:
        if task.task_id in (DEFAULTS, PARAMS, DONE, FAILED, "error") or _GROUP.fullmatch(task.task_id):
            yield Refusal(
                task.task_id, "reserved-name", "every machine has a state of this name; call the task otherwise"
            )
        if getattr(task, "is_mapped", False):
            yield Refusal(
                task.task_id, "dynamic-mapping", "expand() has no state; loop inside the task, or list the tasks"
            )
        if (rule := _rule(task)) not in _TRIGGER_RULES:
            yield Refusal(task.task_id, "trigger-rule", f"{rule!r} has no state; use {' or '.join(_TRIGGER_RULES)}")
        if task.on_failure_callback:
            yield Refusal(
                task.task_id, "failure-callback", "no state calls it; remove it, or watch the execution's status"
            )
        if task.depends_on_past or getattr(task, "wait_for_downstream", False):
            yield Refusal(task.task_id, "depends-on-past", "executions know nothing of each other; remove it")


def _rule(task: Any) -> str:
    return str(getattr(task.trigger_rule, "value", task.trigger_rule))


def _locations(part: Part, around: Location = ()) -> Iterator[tuple[str, Location]]:
    """Each task's id, and the groups around it."""
    if isinstance(part, Step):
        yield part.task_id, around
    elif isinstance(part, Series):
        for each in part.parts:
            yield from _locations(each, around)
    else:
        for number, branch in enumerate(part.branches):
            yield from _locations(branch, (*around, Place(part.name, number, isinstance(part, Choice))))


class _Build:
    """The states of one machine while they are put together; refusals are collected, not raised."""

    def __init__(self, tasks: dict[str, Any], locations: dict[str, Location], refusals: list[Refusal]) -> None:
        self._tasks = tasks
        self._locations = locations
        self._refusals = refusals

    def machine(self, whole: Part, defaults: dict[str, Any]) -> dict[str, State]:
        """Every state of the machine: parameters, the tasks, and its two ends."""
        merged = "States.JsonMerge($.defaults, $$.Execution.Input, false)"
        return {
            DEFAULTS: {"Type": "Pass", "Result": defaults, "ResultPath": f"$.{DEFAULTS}", "Next": PARAMS},
            PARAMS: {"Type": "Pass", "Parameters": {"params.$": merged}, "Next": start(whole)},
            **self._states(whole, DONE, FAILED),
            DONE: {"Type": "Succeed"},
            FAILED: {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
        }

    def _states(self, part: Part, then: str, failed: str) -> dict[str, State]:
        """The states of `part`; its ends go on to `then`, its failures to `failed`."""
        if isinstance(part, Step):
            return self._task(part, then, failed)
        if isinstance(part, Group):
            return self._group(part, then, failed)
        if isinstance(part, Choice):
            return self._choice(part, then, failed)
        nexts = [*(start(each) for each in part.parts[1:]), then]
        states: dict[str, State] = {}
        for each, following in zip(part.parts, nexts, strict=True):
            states |= self._states(each, following, failed)
        for before, after in pairwise(part.parts):
            if isinstance(before, Choice):
                self._check_join(after)
        return states

    def _check_join(self, part: Part) -> None:
        """What follows alternatives runs although some of them were skipped: in Airflow only if its rule says so."""
        for task_id in first_steps(part):
            rule = _rule(self._tasks[task_id])
            if rule == "all_success":
                remedy = "Airflow skips it after a branch; set trigger_rule='none_failed_min_one_success'"
                self._refusals.append(Refusal(task_id, "join-after-branch", remedy))

    def _choice(self, choice: Choice, then: str, failed: str) -> dict[str, State]:
        """One state that reads what the task before named, and the alternatives, which all go on to `then`."""
        chooser = self._chooser(choice)
        options = sorted(self._tasks[chooser].downstream_task_ids)
        named = path_to(chooser, RETURN_VALUE)
        unknown = f"{chooser} named no alternative"
        states: dict[str, State] = {
            choice.name: {
                "Type": "Choice",
                "Choices": [{"Variable": named, "StringEquals": option, "Next": option} for option in options],
                "Default": unknown,
            },
            unknown: error_state(
                "Branch.NoAlternative", f"{chooser} named {{}}, not one of {', '.join(options)}", named, failed
            ),
        }
        for branch in choice.branches:
            states |= self._states(branch, then, failed)
        return states

    def _chooser(self, choice: Choice) -> str:
        """The task that names the alternative: the one right before their starts."""
        upstream: set[str] = self._tasks[start(choice.branches[0])].upstream_task_ids
        return next(each for each in sorted(upstream) if self._tasks[each].task_type in operators.BRANCHING)

    def _task(self, step: Step, then: str, failed: str) -> dict[str, State]:
        if any(refusal.task_id == step.task_id for refusal in self._refusals):
            return {}
        try:
            context = Context(Scope(step.task_id, self._locations), failed, DONE)
            states = operators.task_states(self._tasks[step.task_id], context)
        except RefusedError as error:
            self._refusals.append(error.refusal)
            return {}
        names = list(states)
        for state, following in zip(states.values(), [*names[1:], then], strict=True):
            if state["Type"] == "Choice":
                for choice in state["Choices"]:
                    choice["Next"] = choice["Next"] or then
            else:
                state.setdefault("Next", following)
        return states

    def _group(self, group: Group, then: str, failed: str) -> dict[str, State]:
        name = group.name
        branches = []
        selected: dict[str, str] = {}
        for number, branch in enumerate(group.branches):
            end, broken = f"{name} branch {number + 1} done", f"{name} branch {number + 1} failed"
            states = {
                **self._states(branch, end, broken),
                end: {"Type": "Pass", "End": True},
                broken: {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
            }
            branches.append({"StartAt": start(branch), "States": states})
            selected |= {f"{key}.$": f"$[{number}]{path_to(key)[1:]}" for key in self._results(branch)}
        state = {
            "Type": "Parallel",
            "Branches": branches,
            "ResultSelector": selected,
            "ResultPath": path_to(name),
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": failed}],
            "Next": then,
        }
        return {name: state}

    def _results(self, part: Part) -> list[str]:
        """Under which names `part` leaves data: those of its tasks, and of its groups as a whole."""
        if isinstance(part, Series):
            return [name for each in part.parts for name in self._results(each)]
        if isinstance(part, Group):
            return [part.name]
        if isinstance(part, Choice):
            return []  # which of its tasks ran is not known before
        return [part.task_id] if self._tasks[part.task_id].task_type != "EmptyOperator" else []
