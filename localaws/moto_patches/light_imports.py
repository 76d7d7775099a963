"""moto's state machines without its EC2, which they import for one constant of Batch.

moto 5.2.5 imports `moto.batch.utils`, and with its package `moto.batch` all of EC2: a second of processor time at each
start, for a table of instance types and for a list of regions that boto3 reads.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_BATCH = "moto.batch"


@contextmanager
def without_ec2() -> Iterator[None]:
    """Inside the block, modules of `moto.batch` can be imported without the package's own code.

    Whoever imports the package behind it gets all of it.
    """
    found = importlib.util.find_spec(_BATCH)
    if _BATCH in sys.modules or found is None:
        yield
        return
    package = sys.modules[_BATCH] = ModuleType(_BATCH)
    package.__path__ = list(found.submodule_search_locations or ())
    try:
        yield
    finally:
        del sys.modules[_BATCH]
