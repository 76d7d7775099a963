"""The shape keeps every edge of the graph and adds none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, count
from typing import Any, TypeAlias

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfunctions.compiler.refusals import RefusedError
from stepfunctions.compiler.structure import Group, Part, Series, Step, start, steps_of, structure

# A step's number; or "series" or "parallel", and what it is made of.
Tree: TypeAlias = int | tuple[str, tuple["Tree", ...]]
Edges: TypeAlias = dict[str, list[str]]


def inner(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(["series", "parallel"]), st.lists(children, min_size=1, max_size=4).map(tuple))


TREES = st.recursive(st.just(0), inner, max_leaves=14)


def numbered(tree: Any, numbers: Iterator[int]) -> Tree:
    """The tree with its steps numbered."""
    if isinstance(tree, int):
        return next(numbers)
    return tree[0], tuple(numbered(each, numbers) for each in tree[1])


def ends(tree: Tree, side: int) -> list[int]:
    """The first steps (side 0) or the last ones (side -1)."""
    if isinstance(tree, int):
        return [tree]
    children = [tree[1][side]] if tree[0] == "series" else tree[1]
    return [step for each in children for step in ends(each, side)]


def links(tree: Tree) -> Iterator[tuple[int, int]]:
    if isinstance(tree, int):
        return
    for each in tree[1]:
        yield from links(each)
    if tree[0] == "series":
        for before, after in zip(tree[1], tree[1][1:], strict=False):
            yield from ((one, two) for one in ends(before, -1) for two in ends(after, 0))


def graph_of(tree: Tree, names: list[str]) -> Edges:
    """The graph of a tree, its steps named in the order of `names`."""
    edges: Edges = {name: [] for name in names}
    for one, two in links(tree):
        edges[names[one]].append(names[two])
    return edges


Shape: TypeAlias = Any


def shape_of_tree(tree: Tree, names: list[str]) -> Shape:
    """The tree without redundant nesting: order matters in a series, and not in a group."""
    if isinstance(tree, int):
        return names[tree]
    return joined(tree[0], [shape_of_tree(each, names) for each in tree[1]])


def shape_of(part: Part) -> Shape:
    if isinstance(part, Step):
        return part.task_id
    if isinstance(part, Series):
        return joined("series", [shape_of(each) for each in part.parts])
    assert isinstance(part, Group)
    return joined("parallel", [shape_of(each) for each in part.branches])


def joined(kind: str, shapes: list[Shape]) -> Shape:
    flat = [one for each in shapes for one in (each[1] if isinstance(each, tuple) and each[0] == kind else [each])]
    if len(flat) == 1:
        return flat[0]
    return kind, tuple(flat if kind == "series" else sorted(flat, key=repr))


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Tree, list[str]]:
    numbers = count()
    tree = numbered(draw(TREES), numbers)
    size = next(numbers)
    return tree, draw(st.permutations([f"t{number:02}" for number in range(size)]))


def before(part: Part) -> set[tuple[str, str]]:
    """Every pair of steps of which the first ends before the second starts, since a Series holds both."""
    if isinstance(part, Step):
        return set()
    children = part.parts if isinstance(part, Series) else part.branches
    found = set().union(*(before(each) for each in children))
    if isinstance(part, Series):
        for one, two in combinations(children, 2):
            found |= {(first, second) for first in steps_of(one) for second in steps_of(two)}
    return found


@given(drawn())
def test_a_series_parallel_graph_has_the_shape_of_the_tree_it_was_made_from(case: tuple[Tree, list[str]]) -> None:
    tree, names = case
    assert shape_of(structure(graph_of(tree, names))) == shape_of_tree(tree, names)


@given(drawn())
def test_a_step_waits_for_its_predecessors_and_no_other_step(case: tuple[Tree, list[str]]) -> None:
    edges = graph_of(*case)
    found = structure(edges)
    assert sorted(steps_of(found)) == sorted(edges)
    assert before(found) == set(nx.transitive_closure(nx.DiGraph(edges)).edges)


@given(drawn(), st.data())
def test_edges_that_others_imply_do_not_matter(case: tuple[Tree, list[str]], data: st.DataObject) -> None:
    edges = graph_of(*case)
    implied = sorted(nx.transitive_closure(nx.DiGraph(edges)).edges)
    more = data.draw(st.lists(st.sampled_from(implied), unique=True)) if implied else []
    denser = {name: [*after, *(two for one, two in more if one == name)] for name, after in edges.items()}
    assert structure(denser) == structure(edges)


@given(drawn(), st.randoms(use_true_random=False))
def test_the_order_in_which_a_graph_is_given_does_not_matter(case: tuple[Tree, list[str]], random: Any) -> None:
    edges = graph_of(*case)
    mixed = [(name, random.sample(after, len(after))) for name, after in edges.items()]
    random.shuffle(mixed)
    assert structure(dict(mixed)) == structure(edges)


@st.composite
def any_graph(draw: st.DrawFn) -> Edges:
    size = draw(st.integers(1, 7))
    names = [f"t{number}" for number in range(size)]
    pairs = list(combinations(names, 2))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return {name: [two for one, two in chosen if one == name] for name in names}


def has_an_n(edges: Edges) -> bool:
    """True if four steps form an N: a before c, b before c and d, and nothing else (Valdes, Tarjan, Lawler)."""
    order = set(nx.transitive_closure(nx.DiGraph(edges)).edges)

    def exactly(wanted: set[tuple[str, str]], steps: set[str]) -> bool:
        return {(one, two) for one, two in order if one in steps and two in steps} == wanted

    return any(
        exactly({(a, c), (b, c), (b, d)}, {a, b, c, d})
        for b, c in order
        for a in edges
        for d in edges
        if len({a, b, c, d}) == 4
    )


@given(any_graph())
def test_exactly_the_graphs_that_hold_an_n_are_refused(edges: Edges) -> None:
    if has_an_n(edges):
        with pytest.raises(RefusedError, match=r"^\[series-parallel\]"):
            structure(edges)
    else:
        assert before(structure(edges)) == set(nx.transitive_closure(nx.DiGraph(edges)).edges)


def test_a_refusal_names_only_the_steps_whose_dependencies_cross() -> None:
    edges = {"first": ["a", "b"], "a": ["c"], "b": ["c", "d"], "c": ["last"], "d": ["last"], "last": []}
    with pytest.raises(RefusedError, match=r"^\[series-parallel\] the dependencies between a, b, c, d cross"):
        structure(edges)


def test_groups_are_numbered_in_their_order() -> None:
    found = structure({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e", "f"], "e": [], "f": []})
    assert isinstance(found, Series)
    assert [start(part) for part in found.parts] == ["a", "group_1", "d", "group_2"]
