"""The shape of a DAG: tasks in series, in parallel groups, and in branches of which one runs.

A state machine has no edges between the branches of a Parallel. So the DAG's graph, reduced by the edges that others
imply, must be series-parallel: each part is one task, a series of parts, or a group of independent parts.
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
    """Parts that run one after another."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Group:
    """Branches that run in parallel, without an edge between them."""

    name: str
    branches: tuple[Part, ...]


@dataclass(frozen=True)
class Choice:
    """Branches of which the task before it chooses one, or none if it can choose the task after them."""

    name: str
    branches: tuple[Part, ...]


Part: TypeAlias = Step | Series | Group | Choice


def structure(edges: Mapping[str, Iterable[str]]) -> Part:
    """The shape of the graph `task id -> ids of the downstream tasks`; groups are numbered in their order.

    Raises:
        RefusedError: the graph is not series-parallel; the message names the tasks that break the rule.

    >>> structure({"a": ["b", "c", "d"], "b": ["d"], "c": ["d"], "d": []}).parts[1]
    Group(name='group_1', branches=(Step(task_id='b'), Step(task_id='c')))
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(edges))
    graph.add_edges_from(sorted((before, after) for before, afters in edges.items() for after in afters))
    return _part(nx.transitive_reduction(graph), count(1))


def steps_of(part: Part) -> list[str]:
    """The ids of all tasks in `part`, in the order of their states."""
    if isinstance(part, Step):
        return [part.task_id]
    inner = part.parts if isinstance(part, Series) else part.branches
    return [task_id for each in inner for task_id in steps_of(each)]


def with_choices(part: Part, choosers: Mapping[str, Iterable[str]]) -> Part:
    """`part` with a Choice after each branching task. `choosers`: the ids that it can return, by its own id.

    Raises:
        RefusedError: such an id is neither the first task of an alternative nor the task after all alternatives.
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
    """The parts after a branching task: its alternatives, and what follows all of them."""
    after = next((place for place, each in enumerate(rest) if place and start(each) in options), 1)
    body = rest[0] if after == 1 else Series(tuple(rest[:after]))
    branches = body.branches if isinstance(body, Group) else (body,)
    reachable = {start(branch) for branch in branches} | {start(each) for each in rest[after : after + 1]}
    if strange := sorted(options - reachable):
        raise RefusedError(
            chooser,
            "branch-target",
            f"{', '.join(strange)} can be chosen, but is not the first task of an alternative; put an EmptyOperator "
            "before it",
        )
    return Choice(f"{chooser} choice", branches), rest[after:]


def start(part: Part) -> str:
    """The name of the first state of `part`."""
    if isinstance(part, Series):
        return start(part.parts[0])
    return part.task_id if isinstance(part, Step) else part.name


def first_steps(part: Part) -> list[str]:
    """The first tasks of `part`: one, or one per branch."""
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
            f"the dependencies between {', '.join(sorted(graph))} cross, which no Parallel can express; make each "
            "later task depend on all earlier ones, for instance through an EmptyOperator",
        )
    return Series(tuple(_part(graph.subgraph(piece), numbers) for piece in pieces))


def _cut(graph: nx.DiGraph) -> list[list[str]]:
    """The graph cut into a series: at each place where every last task before it leads to every first task after it."""
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
