"""The states of the whole machine: those of each task, put together along the shape of the DAG."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from stepfunctions.compiler import operators
from stepfunctions.compiler.callbacks import callback_states
from stepfunctions.compiler.mapped_operators import mapped_states
from stepfunctions.compiler.operators import Context, State, error_state
from stepfunctions.compiler.references import RETURN_VALUE, Location, Place, Scope, path_to
from stepfunctions.compiler.refusals import Refusal, RefusedError
from stepfunctions.compiler.scopes import targets
from stepfunctions.compiler.structure import Choice, Group, Part, Series, Step, first_steps, start, steps_of

DEFAULTS, PARAMS, FAILED, DONE = "defaults", "params", "failed", "done"


def rule_of(task: Any) -> str:
    """The task's trigger rule as Airflow spells it."""
    return str(getattr(task.trigger_rule, "value", task.trigger_rule))


def _locations(part: Part, around: Location = ()) -> Iterator[tuple[str, Location]]:
    """The id of each task with the groups around it."""
    if isinstance(part, Step):
        yield part.task_id, around
    elif isinstance(part, Series):
        for each in part.parts:
            yield from _locations(each, around)
    else:
        for number, branch in enumerate(part.branches):
            yield from _locations(branch, (*around, Place(part.name, number, isinstance(part, Choice))))


def _failure(name: str, states: dict[str, State]) -> dict[str, State]:
    """The Fail state `name` if another state leads to it; Step Functions refuses a state that none leads to."""
    if not any(name in targets(state) for state in states.values()):
        return {}
    return {name: {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}}


class Build:
    """The states of one machine while they are put together. Refusals are collected instead of raised."""

    def __init__(self, dag: Any, tasks: dict[str, Any], whole: Part, refusals: list[Refusal]) -> None:
        self._dag = dag
        self._tasks = tasks
        self._whole = whole
        self._locations = dict(_locations(whole))
        self._unsure: dict[str, frozenset[str]] = {}
        self._refusals = refusals

    def machine(self, defaults: dict[str, Any]) -> dict[str, State]:
        """All states of the machine: those for the parameters, those of the tasks, and its two ends."""
        try:
            callbacks = callback_states(self._dag, None, FAILED)
        except RefusedError as error:
            self._refusals.append(error.refusal)
            callbacks = {}
        merged = "States.JsonMerge($.defaults, $$.Execution.Input, false)"
        states = {
            DEFAULTS: {"Type": "Pass", "Result": defaults, "ResultPath": f"$.{DEFAULTS}", "Next": PARAMS},
            PARAMS: {"Type": "Pass", "Parameters": {"params.$": merged}, "Next": start(self._whole)},
            **self._states(self._whole, DONE, next(iter(callbacks), FAILED)),
            **callbacks,
            DONE: {"Type": "Succeed"},
        }
        return states | _failure(FAILED, states)

    def _states(self, part: Part, then: str, failed: str) -> dict[str, State]:
        """The states of `part`; its last states lead to `then`, its failures to `failed`."""
        if isinstance(part, Step):
            return self._task(part, then, failed)
        if isinstance(part, Group):
            return self._group(part, then, failed)
        if isinstance(part, Choice):
            return self._choice(part, then, failed)
        return self._series(part, then, failed)

    def _series(self, series: Series, then: str, failed: str) -> dict[str, State]:
        """The states of each part. A failure leads to the next part that runs after failures (`all_done`)."""
        nexts = [*(start(each) for each in series.parts[1:]), then]
        failures = self._failures(series, failed)
        states: dict[str, State] = {}
        for each, following, fails in zip(series.parts, nexts, failures, strict=True):
            states |= self._states(each, following, fails)
        for before, after in pairwise(series.parts):
            if isinstance(before, Choice):
                self._check_join(after)
        return states

    def _failures(self, series: Series, failed: str) -> list[str]:
        """The state that a failure of each part leads to: the next part that runs after failures, or `failed`."""
        ways: list[str] = []
        for place in range(len(series.parts) - 1, -1, -1):
            ways.insert(0, failed)
            part = series.parts[place]
            if place and self._runs_after_failure(part):
                failed = start(part)
                before = {task_id for each in series.parts[:place] for task_id in steps_of(each)}
                for task_id in (task_id for each in series.parts[place:] for task_id in steps_of(each)):
                    self._unsure[task_id] = self._unsure.get(task_id, frozenset()) | before
        return ways

    def _runs_after_failure(self, part: Part) -> bool:
        """True if the part also runs after a failure before it.

        Its first tasks must agree: either all branches of a Parallel run or none.
        """
        rules = {task_id: rule_of(self._tasks[task_id]) for task_id in first_steps(part)}
        anyway = [task_id for task_id, rule in rules.items() if rule == "all_done"]
        if 0 < len(anyway) < len(rules):
            remedy = f"{', '.join(sorted(rules))} start together; set trigger_rule='all_done' on all of them or on none"
            self._refusals.append(Refusal(anyway[0], "all-done-together", remedy))
        return len(anyway) == len(rules)

    def _check_join(self, part: Part) -> None:
        """Refuses a task after alternatives that Airflow would skip because one of them was skipped."""
        for task_id in first_steps(part):
            rule = rule_of(self._tasks[task_id])
            if rule == "all_success":
                remedy = (
                    "Airflow skips this task when it skips a branch before it; "
                    "set trigger_rule='none_failed_min_one_success'"
                )
                self._refusals.append(Refusal(task_id, "join-after-branch", remedy))

    def _choice(self, choice: Choice, then: str, failed: str) -> dict[str, State]:
        """A Choice on the id that the branching task returned, and the alternatives, which all lead to `then`."""
        chooser = self._chooser(choice)
        options = sorted(self._tasks[chooser].downstream_task_ids)
        chosen = path_to(chooser, RETURN_VALUE)
        unknown = f"{chooser} chose no alternative"
        states: dict[str, State] = {
            choice.name: {
                "Type": "Choice",
                "Choices": [{"Variable": chosen, "StringEquals": option, "Next": option} for option in options],
                "Default": unknown,
            },
            unknown: error_state(
                "Branch.NoAlternative", f"{chooser} returned {{}}, not one of {', '.join(options)}", chosen, failed
            ),
        }
        for branch in choice.branches:
            states |= self._states(branch, then, failed)
        return states

    def _chooser(self, choice: Choice) -> str:
        """The id of the branching task directly before the alternatives."""
        upstream: set[str] = self._tasks[start(choice.branches[0])].upstream_task_ids
        return next(each for each in sorted(upstream) if self._tasks[each].task_type in operators.BRANCHING)

    def _task(self, step: Step, then: str, failed: str) -> dict[str, State]:
        if any(refusal.task_id == step.task_id for refusal in self._refusals):
            return {}
        task = self._tasks[step.task_id]
        try:
            callbacks = callback_states(self._dag, task, failed)
            scope = Scope(step.task_id, self._locations, self._unsure.get(step.task_id, frozenset()))
            context = Context(scope, next(iter(callbacks), failed), DONE)
            to_states = mapped_states if getattr(task, "is_mapped", False) else operators.task_states
            states = to_states(task, context)
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
        return states | callbacks

    def _group(self, group: Group, then: str, failed: str) -> dict[str, State]:
        name = group.name
        branches = []
        selected: dict[str, str] = {}
        for number, branch in enumerate(group.branches):
            end, broken = f"{name} branch {number + 1} done", f"{name} branch {number + 1} failed"
            states = {
                **self._states(branch, end, broken),
                end: {"Type": "Pass", "End": True},
            }
            branches.append({"StartAt": start(branch), "States": states | _failure(broken, states)})
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
        """The names of the members that `part` adds to the data: its tasks, and its groups as a whole."""
        if isinstance(part, Series):
            return [name for each in part.parts for name in self._results(each)]
        if isinstance(part, Group):
            return [part.name]
        if isinstance(part, Choice):
            return []  # which of its tasks run is known only at run time
        return [part.task_id] if self._tasks[part.task_id].task_type != "EmptyOperator" else []
