"""Replaced attributes and items: set on entering, restored on leaving."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, replacements: Mapping[str, Any]) -> Iterator[None]:
    """Each attribute of `owner` is its replacement inside the block."""
    with ExitStack() as stack:
        for name, replacement in replacements.items():
            stack.enter_context(_replaced(owner, name, replacement))
        yield


@contextmanager
def _replaced(owner: Any, name: str, replacement: Any) -> Iterator[None]:
    # Not getattr: an inherited attribute must be inherited again.
    inherited = name not in vars(owner)
    original = None if inherited else vars(owner)[name]
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        if inherited:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


@contextmanager
def replaced_item(owner: Any, name: str, replacement: Any) -> Iterator[None]:
    """`owner[name]` is `replacement` inside the block."""
    original = owner[name]
    owner[name] = replacement
    try:
        yield
    finally:
        owner[name] = original
