"""A page about one flow for the docs: a picture of its state machine, and a table of task and state side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_HEADER = "| task | operator | state | tried again | timeout |\n|---|---|---|---|---|"


def flow_page(dag: Any, machine: Mapping[str, Any], triggers: Iterable[Any]) -> str:
    """The page in Markdown; generated, so that it is always what the DAG says."""
    started = [f"`{task.task_id}` ({task.task_type}) starts an execution.\\n" for task in triggers]
    lines = [
        f"# {dag.dag_id}",
        "",
        f"{dag.description}. Made by `make export` of `dags/{dag.dag_id}.py`; do not edit.",
        "",
        *(line.replace("\\n", "\n") for line in started),
        "```mermaid",
        "flowchart TD",
        *_edges(machine["States"], "  "),
        "```",
        "",
        _HEADER,
        *(_row(task, machine) for task in dag.topological_sort() if task.task_id in _states(machine)),
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


def _row(task: Any, machine: Mapping[str, Any]) -> str:
    state = _states(machine)[task.task_id]
    again = "; ".join(
        f"{each['MaxAttempts']} times, after {each['IntervalSeconds']} s x {each['BackoffRate']:g}, jittered"
        for each in state.get("Retry", [])
    )
    resource = str(state.get("Resource", state["Type"])).removeprefix("arn:aws:states:::")
    timeout = f"{state['TimeoutSeconds']} s" if "TimeoutSeconds" in state else ""
    operator = task.task_type.strip("_").replace("PythonDecoratedOperator", "@task")
    return f"| `{task.task_id}` | {operator} | {resource} | {again} | {timeout} |"


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
        if "Next" in state and not name.endswith("did not succeed"):
            yield f'{indent}{_id(name)}["{name}"] --> {_id(state["Next"])}'


def _id(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name)
