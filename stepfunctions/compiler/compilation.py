"""A DAG object in, its state machine in Amazon States Language out.

Nothing here knows a complaint: operators are compiled by `operators`, references by `references`, the order of
tasks by `structure`. Every reason why a DAG cannot be compiled is found before any is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import stepfunctions.compiler.job_operators  # noqa: F401  registers the operators that start jobs
from stepfunctions.compiler import operators
from stepfunctions.compiler.assembly import DEFAULTS, DONE, FAILED, PARAMS, Build, rule_of
from stepfunctions.compiler.callbacks import callback_refusals
from stepfunctions.compiler.refusals import CompileError, Refusal, RefusedError
from stepfunctions.compiler.rules import findings
from stepfunctions.compiler.structure import structure, with_choices
from stepfunctions.compiler.triggers import trigger_refusals, triggers_of

_GROUP = re.compile(r"group_[0-9]+")
# A failure leads past all that waits for success, so that of the first three each means the same.
_TRIGGER_RULES = ("all_success", "none_failed", "none_failed_min_one_success", "all_done")


def compile_dag(dag: Any) -> dict[str, Any]:
    """The state machine of `dag`, ready to be written as JSON; the same DAG gives the same bytes.

    An execution's input is the DAG run's `conf`: values for the DAG's parameters, the defaults for those left out.

    Raises:
        CompileError: the DAG says something that a state machine cannot; all such places are named together.
    """
    triggers = {task.task_id for task in triggers_of(dag)}
    tasks = {task.task_id: task for task in dag.tasks if task.task_id not in triggers}
    refusals = [*_refused_features(dag), *trigger_refusals(dag), *callback_refusals(dag)]
    if not tasks:
        nothing = Refusal("", "no-task", "there is nothing to run; give the DAG a task that is not its trigger")
        raise CompileError(dag.dag_id, [*refusals, nothing])
    try:
        shape = structure({task_id: task.downstream_task_ids for task_id, task in tasks.items()})
        shape = with_choices(shape, _options(tasks, operators.BRANCHING))
    except RefusedError as error:
        raise CompileError(dag.dag_id, [*refusals, error.refusal]) from None
    states = Build(dag, tasks, shape, refusals).machine(_defaults(dag))
    machine = {"Comment": dag.description or dag.dag_id, "StartAt": DEFAULTS, **_run_timeout(dag), "States": states}
    # Only a machine that keeps the rules leaves here; what they find is no worse a reason than the compiler's own.
    refusals += [] if refusals else [Refusal("", "rules", finding) for finding in findings(machine)]
    if refusals:
        raise CompileError(dag.dag_id, refusals)
    return machine


def _run_timeout(dag: Any) -> dict[str, int]:
    """How long an execution may take, from the DAG's dagrun_timeout."""
    return {"TimeoutSeconds": int(dag.dagrun_timeout.total_seconds())} if dag.dagrun_timeout else {}


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
        if (rule := rule_of(task)) not in _TRIGGER_RULES:
            yield Refusal(task.task_id, "trigger-rule", f"{rule!r} has no state; use {' or '.join(_TRIGGER_RULES)}")
        if task.depends_on_past or getattr(task, "wait_for_downstream", False):
            yield Refusal(task.task_id, "depends-on-past", "executions know nothing of each other; remove it")
