"""A walk through the states of a machine, of its branches and items, and from each state to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

State: TypeAlias = Mapping[str, Any]
ENDS = ("Succeed", "Fail")


@dataclass(frozen=True)
class Scope:
    """The states that can lead to each other: those of the machine, a branch or an item. Findings use the `name`."""

    name: str
    start: str
    states: Mapping[str, State]


@dataclass(frozen=True)
class Site:
    """One state and the scope that holds it."""

    name: str
    state: State
    scope: Scope

    def is_a(self, *types: str) -> bool:
        """True if the state's type is one of these."""
        return self.state.get("Type") in types


def scopes_of(name: str, machine: Mapping[str, Any]) -> Iterator[Scope]:
    """The scope of `machine`, with this name, and the scopes of all branches and items in it."""
    states: Mapping[str, State] = machine.get("States", {})
    yield Scope(name, str(machine.get("StartAt")), states)
    for state_name, state in states.items():
        for number, branch in enumerate(state.get("Branches", [])):
            yield from scopes_of(f"{state_name} branch {number + 1}", branch)
        if "ItemProcessor" in state:
            yield from scopes_of(f"each item of {state_name}", state["ItemProcessor"])


def targets(state: State) -> list[str]:
    """The names of the states that this one can lead to, in their order in the state."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [str(way[field]) for way in ways for field in ("Next", "Default") if field in way]


def is_end(state: State) -> bool:
    """True if the state can end its scope."""
    return state.get("Type") in ENDS or bool(state.get("End"))


def after(scope: Scope, start: str) -> set[str]:
    """`start`, and every state of the scope that can be reached from it."""
    found: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        if name not in found and name in scope.states:
            found.add(name)
            pending += targets(scope.states[name])
    return found


def leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value in a payload template that is not a map or a list, with the key that holds it."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name.endswith(".$"):
                yield name, each
            else:
                yield from leaves(name, each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(key, each)
    elif value is not None:
        yield key, value
