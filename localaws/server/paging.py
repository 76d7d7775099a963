"""Pages of a list, as AWS's list operations give them."""

from collections.abc import Sequence
from typing import TypeVar

from localaws.server.protocol import ApiError

T = TypeVar("T")


def page(items: Sequence[T], size: int, token: str | None, invalid_code: str) -> tuple[list[T], str | None]:
    """One page and the token of the next, None at the end. Raises ApiError for an unknown token."""
    start = 0
    if token:
        if not token.isdecimal() or int(token) > len(items):
            raise ApiError(invalid_code, f"Invalid NextToken: {token!r}")
        start = int(token)
    end = start + size
    return list(items[start:end]), str(end) if end < len(items) else None
