"""Which service answers for a host is found once, and not for each request.

moto 5.2.5 lists its own folder and tries the patterns of some hundred services for every request, which takes half a
millisecond. The answer depends on nothing but the host.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from localaws.moto_patches.replacement import replaced

# Clients may put anything into the header.
_HOSTS = 1024


@contextmanager
def patches() -> Iterator[None]:
    """Inside the block, each answer is kept."""
    kept = lru_cache(_HOSTS)(DomainDispatcherApplication.get_backend_for_host)
    with replaced(DomainDispatcherApplication, {"get_backend_for_host": kept}):
        yield
