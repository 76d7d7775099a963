"""A page about one flow for the docs: its runbook, a picture of its state machine, and task and state side by side."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_HEADER = "| task | operator | state | tried again | timeout | role |\n|---|---|---|---|---|---|"


def flow_page(dag: Any, machine: Mapping[str, Any], triggers: Iterable[Any]) -> str:
    """The page in Markdown; generated, so that it is always what the DAG says."""
    runbook = inspect.cleandoc(dag.doc_md or dag.description or "").partition("\n")[2].strip()
    started = [f"`{task.task_id}` ({task.task_type}) starts an execution.\n" for task in triggers]
    states = _states(machine)
    lines = [
        f"# {dag.dag_id}",
        "",
        f"{dag.description}. Made by `make export` of `dags/{dag.dag_id}.py`; do not edit.",
        "",
        "## Runbook",
        "",
        runbook,
        "",
        "## As a state machine",
        "",
        *started,
        "```mermaid",
        "flowchart TD",
        *_edges(machine["States"], "  "),
        "```",
        "",
        "Every failure leads to `failed`"
        + (", by way of the task's failure callback." if any(name.endswith(" failed") for name in states) else "."),
        "",
        _HEADER,
        *(_row(task, _work(states, task.task_id)) for task in dag.topological_sort() if task.task_id in states),
    ]
    return "\n".join(lines) + "\n"


def _states(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Every state of the machine by name, those inside of Parallel states too."""
    found: dict[str, Any] = {}
    for name, state in machine["States"].items():
        found[name] = state
        for branch in state.get("Branches", []):
            found |= _states(branch)
    return found


def _work(states: Mapping[str, Any], task_id: str) -> Mapping[str, Any]:
    """The state that does the task's work: behind the look for its job, where there is one."""
    found: Mapping[str, Any] = states.get(f"{task_id} starts", states[task_id])
    return found


def _row(task: Any, state: Mapping[str, Any]) -> str:
    again = "; ".join(
        f"{each['MaxAttempts']} times, after {each['IntervalSeconds']} s x {each['BackoffRate']:g}, jittered"
        for each in state.get("Retry", [])
    )
    resource = str(state.get("Resource", state["Type"])).removeprefix("arn:aws:states:::")
    timeout = f"{state['TimeoutSeconds']} s" if "TimeoutSeconds" in state else ""
    operator = task.task_type.strip("_").replace("PythonDecoratedOperator", "@task")
    return f"| `{task.task_id}` | {operator} | {resource} | {again} | {timeout} | {_role(state)} |"


def _role(state: Mapping[str, Any]) -> str:
    """As whom the work is done: the request says it, or names what was made with a role."""
    request = state.get("Parameters", {})
    if "RoleArn" in request:
        return f"`{str(request['RoleArn']).rpartition('/')[2]}`"
    owners = {
        "JobName": "the Glue job",
        "FunctionName": "the function",
        "ModelName.$": "the model",
        "ModelName": "the model",
    }
    for member, owner in owners.items():
        if member in request:
            name = "" if member.endswith(".$") else f" `{request[member]}`"
            return f"that of {owner}{name}"
    return ""


def _edges(states: Mapping[str, Any], indent: str) -> Iterator[str]:
    """The ways from state to state; those to failure are left out, since every state has one."""
    for name, state in states.items():
        for number, branch in enumerate(state.get("Branches", []), start=1):
            yield f'{indent}subgraph {_id(name)}_{number} ["{name}, branch {number}"]'
            yield from _edges(branch["States"], indent + "  ")
            yield f"{indent}end"
            yield f"{indent}{_id(name)} --> {_id(name)}_{number}"
        for choice in state.get("Choices", []):
            yield f'{indent}{_id(name)}{{"{name}"}} --> {_id(choice["Next"])}'
        default = str(state.get("Default", ""))
        if default in states and not _is_failure(states[default]):
            yield f'{indent}{_id(name)}{{"{name}"}} --> {_id(default)}'
        if "Next" in state and not _is_failure(state):
            yield f'{indent}{_id(name)}["{name}"] --> {_id(state["Next"])}'


def _is_failure(state: Mapping[str, Any]) -> bool:
    """Whether the state is only entered when something went wrong."""
    calls = state.get("Parameters", {}).get("Payload", {})
    return state.get("ResultPath") == "$.error" or "callback" in calls


def _id(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name)
