"""Changes to moto that last as long as one LocalAWS: made on entering, taken back on leaving."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, replacement: Any) -> Iterator[None]:
    """`owner.name` is `replacement` inside of the block."""
    # Not getattr: what a class inherits is not its own, and shall be inherited again.
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
    """`owner[name]` is `replacement` inside of the block."""
    original = owner[name]
    owner[name] = replacement
    try:
        yield
    finally:
        owner[name] = original
