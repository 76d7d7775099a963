"""S3's GetObject with a Range: the bytes that were asked for are read, not the object.

moto 5.2.5 reads the whole object for each range, and cuts the range out of it: .3 s for a range of an object of 586 MB,
of which the Glue jobs read many.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import has_request_context, request
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

from localaws.moto_patches.replacement import replaced


class Unread:
    """The bytes of an object, read when they are sliced."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def __len__(self) -> int:
        return int(self._key.contentsize)

    def __getitem__(self, part: slice) -> bytes:
        begin, end, _ = part.indices(len(self))
        with self._key.lock:
            self._key._value_buffer.seek(begin)
            found: bytes = self._key._value_buffer.read(max(0, end - begin))
        return found


@contextmanager
def patches() -> Iterator[None]:
    """A request for a range reads no more than that."""
    value: Any = vars(FakeKey)["value"]
    # A second local AWS in the process: its bytes are unread already.
    getter = value.fget if value.fget.__module__ != __name__ else value.fget.__wrapped__
    handle = _reading(S3Response._handle_range_header)
    with (
        replaced(FakeKey, {"value": property(_unread(getter), value.fset)}),
        replaced(S3Response, {"_handle_range_header": handle}),
    ):
        yield


def _unread(original: Callable[[Any], bytes]) -> Callable[[Any], Any]:
    def value(key: Any) -> Any:
        return Unread(key) if _asks_for_a_range() else original(key)

    value.__wrapped__ = original  # type: ignore[attr-defined]
    return value


def _asks_for_a_range() -> bool:
    if not has_request_context() or request.method != "GET" or not request.headers.get("Range"):
        return False
    # moto answers a part of an upload without a look at the range.
    return "partNumber" not in request.args


def _reading(original: Callable[..., Any]) -> Callable[..., Any]:
    def handle(response: Any, asked: Any, headers: dict[str, Any], content: Any) -> Any:
        status, answered, body = original(response, asked, headers, content)
        # Of a range that S3 does not understand it sends the object.
        return status, answered, body[:] if isinstance(body, Unread) else body

    return handle
