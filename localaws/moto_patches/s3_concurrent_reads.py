"""S3's reads beside writes of the same key: they get the object before or after, never an error.

A read on S3 is answered from one version, also if the object is deleted or replaced meanwhile. moto 5.2.5 looks a key
up in two steps, so that a deletion between them is a KeyError, and the answer status 500; every request for a key
begins with that. It closes the bytes of an object at its removal, while another request reads them: a ValueError. And
two requests that ask for the ETag of a new object at once move the same file position.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.s3.models import FakeKey, S3Backend

from localaws.moto_patches.replacement import replaced

# The attribute of a copy that has its bytes in common with another key: it closes nothing, and keeps that key.
BYTES_OF = "bytes_of"


@contextmanager
def patches() -> Iterator[None]:
    """Makes moto's reads atomic."""
    with ExitStack() as stack:
        stack.enter_context(replaced(S3Backend, {"get_object": _deleted_meanwhile(S3Backend.get_object)}))
        stack.enter_context(
            replaced(FakeKey, {"dispose": _closed_by_the_last_reader(FakeKey.dispose), "etag": _etag(FakeKey.etag)})
        )
        yield


def _deleted_meanwhile(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_object(
        backend: Any, bucket_name: str, key_name: str, version_id: Any = None, part_number: Any = None, **named: Any
    ) -> Any:
        try:
            return original(backend, bucket_name, key_name, version_id, part_number, **named)
        except KeyError:
            if part_number:
                raise  # a part that the object does not have
            return None

    return get_object


def _closed_by_the_last_reader(original: Callable[..., None]) -> Callable[..., None]:
    def dispose(key: Any, garbage: bool = False) -> None:
        if BYTES_OF in key.__dict__:
            return
        if garbage:
            original(key, garbage)
        else:
            # Python calls `dispose` again, as garbage, when no request has the object any more.
            key.disposed = True

    return dispose


def _etag(original: Any) -> Any:
    # A second local AWS in the process: moto's lock cannot be taken twice.
    if original.fget.__module__ == __name__:
        return original

    def etag(key: Any) -> str:
        with key.lock:
            value: str = original.fget(key)
            return value

    return property(etag)
