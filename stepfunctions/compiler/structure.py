"""The shape of a DAG as a state machine can run it: steps in sequence, and groups side by side.

A state machine has no edges between the branches of a Parallel. So the graph, without the edges that others imply,
must be series-parallel: each part is one step, parts after each other, or parts that share nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, pairwise
from typing import TypeAlias

import networkx as nx

from stepfunctions.compiler.refusals import RefusedError


@dataclass(frozen=True)
class Step:
    """One task."""

    task_id: str


@dataclass(frozen=True)
class Series:
    """Parts that run one after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Group:
    """Branches that run side by side; none waits for another's steps."""

    name: str
    branches: tuple[Part, ...]


@dataclass(frozen=True)
class Choice:
    """Branches of which one runs, as the task before says, or none where it may name what comes after."""

    name: str
    branches: tuple[Part, ...]


Part: TypeAlias = Step | Series | Group | Choice


def structure(edges: Mapping[str, Iterable[str]]) -> Part:
    """The shape of the graph `task id -> ids of the tasks after it`.

    Raises:
        RefusedError: the graph is not series-parallel; the message names the steps that depend crosswise.

    Groups are named by their place in the order of the whole.

    >>> structure({"a": ["b", "c", "d"], "b": ["d"], "c": ["d"], "d": []}).parts[1]
    Group(name='group_1', branches=(Step(task_id='b'), Step(task_id='c')))
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(edges))
    graph.add_edges_from(sorted((before, after) for before, afters in edges.items() for after in afters))
    return _part(nx.transitive_reduction(graph), count(1))


def steps_of(part: Part) -> list[str]:
    """The ids of every task in `part`, in the order of their states."""
    if isinstance(part, Step):
        return [part.task_id]
    inner = part.parts if isinstance(part, Series) else part.branches
    return [task_id for each in inner for task_id in steps_of(each)]


def with_choices(part: Part, choosers: Mapping[str, Iterable[str]]) -> Part:
    """`part` with what follows a branching task as a Choice; `choosers`: that task's id, and the ids it may name.

    Raises:
        RefusedError: a task that may be named is neither the start of an alternative nor what comes after them.
    """
    if isinstance(part, Group):
        return Group(part.name, tuple(with_choices(each, choosers) for each in part.branches))
    if not isinstance(part, Series):
        return part
    parts: list[Part] = []
    rest = [with_choices(each, choosers) for each in part.parts]
    while rest:
        parts.append(rest.pop(0))
        last = parts[-1]
        if isinstance(last, Step) and last.task_id in choosers:
            alternatives, rest = _alternatives(last.task_id, set(choosers[last.task_id]), rest)
            parts.append(alternatives)
    return Series(tuple(parts))


def _alternatives(chooser: str, options: set[str], rest: list[Part]) -> tuple[Choice, list[Part]]:
    """The parts after a branching task: its alternatives, and what comes after whichever was chosen."""
    after = next((place for place, each in enumerate(rest) if place and start(each) in options), 1)
    body = rest[0] if after == 1 else Series(tuple(rest[:after]))
    branches = body.branches if isinstance(body, Group) else (body,)
    reachable = {start(branch) for branch in branches} | {start(each) for each in rest[after : after + 1]}
    if strange := sorted(options - reachable):
        raise RefusedError(
            chooser,
            "branch-target",
            f"may choose {', '.join(strange)}, which is not the first task of an alternative; put a task before it",
        )
    return Choice(f"{chooser} choice", branches), rest[after:]


def start(part: Part) -> str:
    """The name of the state that `part` begins with."""
    if isinstance(part, Series):
        return start(part.parts[0])
    return part.task_id if isinstance(part, Step) else part.name


def first_steps(part: Part) -> list[str]:
    """The tasks that `part` begins with: one, or one a branch."""
    if isinstance(part, Step):
        return [part.task_id]
    if isinstance(part, Series):
        return first_steps(part.parts[0])
    return [task_id for branch in part.branches for task_id in first_steps(branch)]


def _part(graph: nx.DiGraph, numbers: Iterator[int]) -> Part:
    if len(graph) == 1:
        return Step(next(iter(graph)))
    components = sorted(sorted(component) for component in nx.weakly_connected_components(graph))
    if len(components) > 1:
        name = f"group_{next(numbers)}"
        return Group(name, tuple(_part(graph.subgraph(component), numbers) for component in components))
    pieces = _cut(graph)
    if len(pieces) == 1:
        raise RefusedError(
            "",
            "series-parallel",
            f"the tasks {', '.join(sorted(graph))} depend on each other crosswise, which no Parallel can express; "
            "let each of them that comes later wait for all that come before, for instance through an EmptyOperator",
        )
    return Series(tuple(_part(graph.subgraph(piece), numbers) for piece in pieces))


def _cut(graph: nx.DiGraph) -> list[list[str]]:
    """The pieces that run one after the other: cut wherever every end of what is before meets every start after."""
    order = list(nx.lexicographical_topological_sort(graph))
    cuts = [place for place in range(1, len(order)) if _is_cut(graph, order[:place], order[place:])]
    bounds = [0, *cuts, len(order)]
    return [order[first:end] for first, end in pairwise(bounds)]


def _is_cut(graph: nx.DiGraph, before: list[str], after: list[str]) -> bool:
    earlier, later = set(before), set(after)
    ends = {node for node in before if not set(graph.successors(node)) & earlier}
    starts = {node for node in after if not set(graph.predecessors(node)) & later}
    crossing = {(one, two) for one, two in graph.edges if one in earlier and two in later}
    return crossing == {(end, start) for end in ends for start in starts}
