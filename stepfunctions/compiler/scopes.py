"""The states of a machine and of its branches, and where each leads: what rules about machines are written with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

State: TypeAlias = Mapping[str, Any]
ENDS = ("Succeed", "Fail")


@dataclass(frozen=True)
class Scope:
    """States that may name each other: those of the machine, or of one branch. `name` is how findings call it."""

    name: str
    start: str
    states: Mapping[str, State]


@dataclass(frozen=True)
class Site:
    """One state, and where it stands."""

    name: str
    state: State
    scope: Scope

    def is_a(self, *types: str) -> bool:
        """Whether the state's type is one of these."""
        return self.state.get("Type") in types


def scopes_of(name: str, machine: Mapping[str, Any]) -> Iterator[Scope]:
    """The scope of `machine`, called `name`, and those of all branches in it."""
    states: Mapping[str, State] = machine.get("States", {})
    yield Scope(name, str(machine.get("StartAt")), states)
    for state_name, state in states.items():
        for number, branch in enumerate(state.get("Branches", [])):
            yield from scopes_of(f"{state_name} branch {number + 1}", branch)


def targets(state: State) -> list[str]:
    """The names of the states that may follow, in the order in which they are written."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [str(way[field]) for way in ways for field in ("Next", "Default") if field in way]


def is_end(state: State) -> bool:
    """Whether its scope may end with this state."""
    return state.get("Type") in ENDS or bool(state.get("End"))


def after(scope: Scope, start: str) -> set[str]:
    """`start`, and every state of its scope that can follow."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found and name in scope.states:
            found.add(name)
            waiting += targets(scope.states[name])
    return found


def leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value in a payload template that is not a map or a list, and the key that it stands under."""
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
