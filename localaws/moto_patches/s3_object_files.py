"""S3's objects in files: for a LocalAWS that is persistent, beside `apply`.

moto 5.2.5 holds each object in a temporary file that ends with its process. Its buckets hold their objects in `keys`, a
store that can be replaced. All changes of objects go through that store, but for those of tags and locks, which change
an object in place.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.s3.models import FakeBucket, FakeKey, S3Backend

from localaws.moto_patches.replacement import replaced

CHANGES_IN_PLACE = (
    "put_object_tagging",
    "delete_object_tagging",
    "put_object_legal_hold",
    "put_object_retention",
)


@contextmanager
def patches(keys_of: Callable[[Any], Any], changed: Callable[[str, str], None]) -> Iterator[None]:
    """A new bucket has the store that `keys_of` makes; `changed` gets bucket and key of what is changed in place."""
    init: Callable[..., None] = FakeBucket.__init__

    def make(bucket: Any, *arguments: Any, **named: Any) -> None:
        init(bucket, *arguments, **named)
        bucket.keys = keys_of(bucket)

    reporting = {name: _reporting(getattr(S3Backend, name), changed) for name in CHANGES_IN_PLACE}
    with ExitStack() as stack:
        stack.enter_context(replaced(FakeBucket, {"__init__": make}))
        stack.enter_context(replaced(S3Backend, reporting))
        yield


def _reporting(original: Callable[..., Any], changed: Callable[[str, str], None]) -> Callable[..., Any]:
    def change(backend: Any, *arguments: Any, **named: Any) -> Any:
        result = original(backend, *arguments, **named)
        given = [*arguments, *named.values()]
        key: Any = next((each for each in given if isinstance(each, FakeKey)), None)
        changed(*((key.bucket_name, key.name) if key else given[:2]))
        return result

    return change
