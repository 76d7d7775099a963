"""`compile_dag`: from a DAG object to its state machine in Amazon States Language.

The compiler knows Airflow and Step Functions, and no flow of this project. It collects every reason why a DAG cannot be
compiled, and reports them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import stepfunctions.compiler.job_operators  # registers the operators that start jobs
import stepfunctions.compiler.starting_operators  # registers the operator that starts another flow
import stepfunctions.compiler.waiting_operators  # noqa: F401  registers the operator that waits for a person
from stepfunctions.compiler import operators
from stepfunctions.compiler.assembly import DEFAULTS, DONE, FAILED, PARAMS, Build, rule_of
from stepfunctions.compiler.callbacks import callback_refusals
from stepfunctions.compiler.refusals import CompileError, Refusal, RefusedError
from stepfunctions.compiler.rules import findings
from stepfunctions.compiler.structure import structure, with_choices
from stepfunctions.compiler.triggers import trigger_refusals, triggers_of

_GROUP = re.compile(r"group_[0-9]+")
# A failure skips every task with one of the first three rules, so they mean the same in a state machine.
_TRIGGER_RULES = ("all_success", "none_failed", "none_failed_min_one_success", "all_done")


def compile_dag(dag: Any) -> dict[str, Any]:
    """The state machine of `dag`, ready for `json.dumps`; the same DAG gives the same bytes.

    The input of an execution is what `conf` is for a DAG run: values of DAG parameters, which have their defaults
    otherwise.

    Raises:
        CompileError: the DAG uses features that a state machine does not have; the message lists all of them.
    """
    triggers = {task.task_id for task in triggers_of(dag)}
    tasks = {task.task_id: task for task in dag.tasks if task.task_id not in triggers}
    refusals = [*_refused_features(dag), *trigger_refusals(dag), *callback_refusals(dag)]
    if not tasks:
        nothing = Refusal("", "no-task", "the DAG has no task to run besides its trigger; add one")
        raise CompileError(dag.dag_id, [*refusals, nothing])
    try:
        shape = structure({task_id: task.downstream_task_ids for task_id, task in tasks.items()})
        shape = with_choices(shape, _options(tasks, operators.BRANCHING))
    except RefusedError as error:
        raise CompileError(dag.dag_id, [*refusals, error.refusal]) from None
    states = Build(dag, tasks, shape, refusals).machine(_defaults(dag))
    machine = {"Comment": dag.description or dag.dag_id, "StartAt": DEFAULTS, **_run_timeout(dag), "States": states}
    # A machine that breaks a rule is refused like a DAG that cannot be compiled.
    refusals += [] if refusals else [Refusal("", "rules", finding) for finding in findings(machine)]
    if refusals:
        raise CompileError(dag.dag_id, refusals)
    return machine


def _run_timeout(dag: Any) -> dict[str, int]:
    """The TimeoutSeconds of an execution, from the DAG's dagrun_timeout."""
    return {"TimeoutSeconds": int(dag.dagrun_timeout.total_seconds())} if dag.dagrun_timeout else {}


def _options(tasks: Mapping[str, Any], types: tuple[str, ...]) -> dict[str, set[str]]:
    """The ids of the tasks directly downstream of each task of these types."""
    return {task_id: task.downstream_task_ids for task_id, task in tasks.items() if task.task_type in types}


def _defaults(dag: Any) -> dict[str, Any]:
    params = {name: dag.params.get_param(name) for name in dag.params}
    return {name: param.value for name, param in params.items() if param.has_value}


def _refused_features(dag: Any) -> Iterator[Refusal]:
    """Features of tasks that no state machine has, whatever the operator."""
    for task in dag.tasks:
        if task.task_id in (DEFAULTS, PARAMS, DONE, FAILED, "error") or _GROUP.fullmatch(task.task_id):
            yield Refusal(
                task.task_id, "reserved-name", "every state machine has a state of this name; rename the task"
            )
        if (rule := rule_of(task)) not in _TRIGGER_RULES:
            yield Refusal(
                task.task_id,
                "trigger-rule",
                f"trigger_rule={rule!r} cannot be compiled; use {' or '.join(_TRIGGER_RULES)}",
            )
        if task.depends_on_past or getattr(task, "wait_for_downstream", False):
            yield Refusal(
                task.task_id,
                "depends-on-past",
                "an execution cannot depend on an earlier one; remove depends_on_past and wait_for_downstream",
            )
